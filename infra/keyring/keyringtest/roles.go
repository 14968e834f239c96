package keyringtest

import (
	"slices"
	"testing"

	"sluice/delivery"
	"sluice/infra/keyring"
)

// RunRoles checks that each role can do its work and nothing else. as gives one and the same keyring with the rights of
// one role, for every operation: with Vault the refusals then come from Vault's policies, not from our own code.
func RunRoles(t *testing.T, as func(t *testing.T, role keyring.Role) delivery.Keyring) {
	prepare, serve, destroyer := as(t, keyring.Prepare), as(t, keyring.Serve), as(t, keyring.Destroy)
	dataset, handed, items := made(t, prepare, delivery.Archive), made(t, prepare, delivery.Deliveries), Keys(2)
	archived, wrapped := wrap(t, prepare, dataset, items), wrap(t, prepare, handed, items)

	allowed := map[string][]keyring.Role{
		"create a key of a dataset":     {keyring.Prepare},
		"create a key of a delivery":    {keyring.Prepare},
		"wrap under a dataset's key":    {keyring.Prepare},
		"unwrap under a dataset's key":  {keyring.Prepare},
		"wrap under a delivery's key":   {keyring.Prepare},
		"unwrap under a delivery's key": {keyring.Serve},
		"destroy a delivery's key":      {keyring.Destroy},
		"destroy a dataset's key":       {},
		"sign":                          {keyring.Sign},
	}
	acts := map[string]func(delivery.Keyring) error{
		"create a key of a dataset":  func(k delivery.Keyring) error { return k.Create(t.Context(), Name(delivery.Archive)) },
		"create a key of a delivery": func(k delivery.Keyring) error { return k.Create(t.Context(), Name(delivery.Deliveries)) },
		"wrap under a dataset's key": func(k delivery.Keyring) error { _, err := k.Wrap(t.Context(), dataset, items); return err },
		"unwrap under a dataset's key": func(k delivery.Keyring) error {
			_, err := k.Unwrap(t.Context(), dataset, archived)
			return err
		},
		"wrap under a delivery's key": func(k delivery.Keyring) error { _, err := k.Wrap(t.Context(), handed, items); return err },
		"unwrap under a delivery's key": func(k delivery.Keyring) error {
			_, err := k.Unwrap(t.Context(), handed, wrapped)
			return err
		},
		"destroy a delivery's key": func(k delivery.Keyring) error {
			victim := made(t, prepare, delivery.Deliveries)
			err := k.Destroy(t.Context(), victim)
			wantExists(t, destroyer, victim, err != nil)
			return err
		},
		"destroy a dataset's key": func(k delivery.Keyring) error { return k.Destroy(t.Context(), dataset) },
		"sign":                    func(k delivery.Keyring) error { _, _, err := k.Sign(t.Context(), []byte("message")); return err },
	}
	for act, do := range acts {
		for _, role := range keyring.Roles {
			may := slices.Contains(allowed[act], role)
			word := map[bool]string{true: " can ", false: " cannot "}[may]
			t.Run("the role "+string(role)+word+act, func(t *testing.T) {
				err := do(as(t, role))
				if may && err != nil {
					t.Errorf("got %v, want no error", err)
				}
				if !may {
					want(t, act, err, delivery.ErrKeyRefused)
				}
			})
		}
	}
	t.Run("nothing was lost by what was refused", func(t *testing.T) {
		checkOpens(t, prepare, dataset, archived, items)
		checkOpens(t, serve, handed, wrapped, items)
	})
}

// RunAway checks that a keyring that cannot be asked says so, whatever it is asked, and works again by itself. leave
// takes it away and back brings it back.
func RunAway(t *testing.T, k delivery.Keyring, leave, back func()) {
	key, items := made(t, k, delivery.Deliveries), Keys(2)
	missing := Name(delivery.Deliveries)
	sealed := wrap(t, k, key, items)
	leave()
	for _, name := range []delivery.KeyName{key, missing} {
		_, err := k.Wrap(t.Context(), name, items)
		want(t, "wrapping", err, delivery.ErrKeyringAway)
		wantUnwrap(t, k, name, sealed, delivery.ErrKeyringAway)
		there, err := k.Exists(t.Context(), name)
		want(t, "looking for a key", err, delivery.ErrKeyringAway)
		if there {
			t.Errorf("got true from a keyring that is away")
		}
		want(t, "destroying", k.Destroy(t.Context(), name), delivery.ErrKeyringAway)
	}
	want(t, "creating", k.Create(t.Context(), Name(delivery.Archive)), delivery.ErrKeyringAway)
	_, _, err := k.Sign(t.Context(), []byte("message"))
	want(t, "signing", err, delivery.ErrKeyringAway)
	back()
	checkOpens(t, k, key, sealed, items)
	wantExists(t, k, key, true)
	wantExists(t, k, missing, false)
}
