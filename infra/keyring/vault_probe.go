package keyring

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// A right is one path of Vault and what a role must be able to do there. No capabilities means: nothing at all.
type right struct {
	path string
	must []string
}

// rights is what each role must and must not be able to do, for Probe. The policies in infra/deploy/vault grant it, and
// the tests hold the two together. <key> stands for any key.
var rights = map[Role][]right{
	Serve: {
		{"delivery/decrypt/<key>", []string{"update"}},
		{"delivery/keys/<key>", []string{"read"}},
		{"delivery/keys/<key>/config", nil},
		{"delivery/encrypt/<key>", nil},
		{"archive/keys/<key>", nil},
		{"archive/decrypt/<key>", nil},
		{"archive/encrypt/<key>", nil},
		{"sign/sign/<sign>", nil},
	},
	Prepare: {
		{"archive/keys/<key>", []string{"create", "read", "update"}},
		{"archive/encrypt/<key>", []string{"update"}},
		{"archive/decrypt/<key>", []string{"update"}},
		{"archive/keys/<key>/config", nil},
		{"delivery/keys/<key>", []string{"create", "read", "update"}},
		{"delivery/encrypt/<key>", []string{"update"}},
		{"delivery/decrypt/<key>", nil},
		{"delivery/keys/<key>/config", nil},
		{"sign/sign/<sign>", nil},
	},
	Destroy: {
		{"delivery/keys/<key>", []string{"delete", "read"}},
		{"delivery/keys/<key>/config", []string{"create", "update"}},
		{"delivery/decrypt/<key>", nil},
		{"delivery/encrypt/<key>", nil},
		{"archive/keys/<key>", []string{"read"}},
		{"archive/keys/<key>/config", nil},
		{"archive/decrypt/<key>", nil},
		{"archive/encrypt/<key>", nil},
		{"sign/sign/<sign>", nil},
	},
	Sign: {
		{"sign/sign/<sign>", []string{"create", "update"}},
		{"sign/keys/<sign>", []string{"read"}},
		{"sign/keys/<sign>/config", nil},
		{"delivery/decrypt/<key>", nil},
		{"delivery/keys/<key>/config", nil},
		{"archive/decrypt/<key>", nil},
	},
}

// nobody may get a key out of Vault, or have an old one put back.
var nobody = []string{
	"archive/export/encryption-key/<key>", "delivery/export/encryption-key/<key>", "sign/export/signing-key/<sign>",
	"archive/backup/<key>", "delivery/backup/<key>", "sign/backup/<sign>",
	"archive/restore/<key>", "delivery/restore/<key>", "sign/restore/<sign>",
	"archive/datakey/plaintext/<key>", "delivery/datakey/plaintext/<key>",
	"archive/config/keys", "delivery/config/keys",
}

// Probe finds out how Vault stands and whether each role that this process plays can do what it must and cannot do what
// it must not. It changes nothing in Vault. now is the clock to compare Vault's with.
func (v *Vault) Probe(ctx context.Context, now func() time.Time) []Finding {
	findings, usable := v.probeServer(ctx, now)
	if !usable {
		return findings
	}
	for _, role := range Roles {
		if v.logins[role] == nil {
			continue
		}
		findings = append(findings, v.probeSecretID(role), v.probeRole(ctx, role))
	}
	if v.logins[Prepare] != nil {
		findings = append(findings, v.probeUpsert(ctx))
	}
	if v.logins[Sign] != nil {
		findings = append(findings, v.probeSign(ctx))
	}
	return append(findings, advice(func(r Role) bool { return v.logins[r] != nil }))
}

// probeServer asks what Vault answers to anybody.
func (v *Vault) probeServer(ctx context.Context, now func() time.Time) (findings []Finding, usable bool) {
	reached := Finding{Name: "Vault is reachable", Do: "check the address, the certificate, and the way to it: " + v.cfg.Address}
	client, err := v.cfg.client()
	if err != nil {
		reached.Detail = err.Error()
		return []Finding{reached}, false
	}
	health, err := client.Sys().HealthWithContext(ctx)
	if err != nil {
		reached.Detail = classify(err).Error()
		return []Finding{reached}, false
	}
	reached = Finding{Name: reached.Name, OK: true, Detail: fmt.Sprintf("version %s at %s", health.Version, v.cfg.Address)}
	findings = []Finding{reached, probeClock(time.Unix(health.ServerTimeUTC, 0), now())}
	open := Finding{Name: "Vault is unsealed", OK: health.Initialized && !health.Sealed, Detail: "it answers"}
	if !open.OK {
		open.Detail = fmt.Sprintf("initialised: %t, sealed: %t", health.Initialized, health.Sealed)
		open.Do = "unseal it (vault operator unseal); until then nobody can download and work waits, but ending access works"
	}
	return append(findings, open), open.OK
}

// Vault counts the life of tokens by its own clock, and its answer has whole seconds.
func probeClock(theirs, ours time.Time) Finding {
	skew := theirs.Sub(ours.Truncate(time.Second)).Abs()
	f := Finding{Name: "Vault's clock", OK: skew <= 2*time.Second, Detail: fmt.Sprintf("%s off ours", skew)}
	if !f.OK {
		f.Do = "set both clocks by the same time servers (chrony or systemd-timesyncd)"
	}
	return f
}

func (v *Vault) probeSecretID(role Role) Finding {
	path := v.logins[role].credentials.SecretIDFile
	f := Finding{Name: fmt.Sprintf("secret id of the role %s", role), OK: true, Detail: path}
	info, err := os.Stat(path)
	if err != nil {
		f.OK, f.Detail, f.Do = false, err.Error(), "put the role's secret id into this file; see infra/deploy/vault"
	} else if info.Mode().Perm()&0o007 != 0 {
		f.OK, f.Detail, f.Do = false, fmt.Sprintf("%s is open to every user of this machine (mode %04o)", path, info.Mode().Perm()), "chmod 600, and draw a new secret id"
	}
	return f
}

func (v *Vault) probeRole(ctx context.Context, role Role) Finding {
	f := Finding{Name: fmt.Sprintf("role %s", role), Do: "put the policy " + string(role) + ".hcl of infra/deploy/vault in place, and no other on this role"}
	wanted := v.wanted(role)
	has, err := v.capabilities(ctx, role, wanted)
	if err != nil {
		f.Detail = err.Error()
		f.Do = "check role id, secret id and the address range they are bound to; see infra/deploy/vault"
		return f
	}
	wrong := compare(wanted, has)
	if len(wrong) > 0 {
		f.Detail = strings.Join(wrong, "; ")
		return f
	}
	return Finding{Name: f.Name, OK: true, Detail: fmt.Sprintf("can do what it must, and cannot reach %d paths it must not", countForbidden(wanted))}
}

// wanted is the table of a role with this installation's names, and a key that was never made.
func (v *Vault) wanted(role Role) []right {
	names := strings.NewReplacer("<key>", rand.Text(), "<sign>", v.cfg.SignKey)
	var out []right
	for _, r := range rights[role] {
		out = append(out, right{v.cfg.Prefix + "-" + names.Replace(r.path), r.must})
	}
	for _, path := range nobody {
		r := right{path: v.cfg.Prefix + "-" + names.Replace(path)}
		if role == Prepare && strings.HasSuffix(path, "/config/keys") {
			r.must = []string{"read"}
		}
		out = append(out, r)
	}
	return out
}

func countForbidden(wanted []right) (n int) {
	for _, r := range wanted {
		if len(r.must) == 0 {
			n++
		}
	}
	return n
}

// compare tells, in words, where what a role may do differs from what it should.
func compare(wanted []right, has map[string][]string) (wrong []string) {
	for _, r := range wanted {
		for _, capability := range r.must {
			if !slices.Contains(has[r.path], capability) {
				wrong = append(wrong, fmt.Sprintf("it must be able to %s %s", capability, r.path))
			}
		}
		for _, capability := range has[r.path] {
			if capability != "deny" && !slices.Contains(r.must, capability) {
				wrong = append(wrong, fmt.Sprintf("it must not be able to %s %s", capability, r.path))
			}
		}
	}
	return wrong
}

func (v *Vault) capabilities(ctx context.Context, role Role, wanted []right) (map[string][]string, error) {
	var paths []string
	for _, r := range wanted {
		paths = append(paths, r.path)
	}
	data, err := v.write(ctx, role, "sys/capabilities-self", map[string]any{"paths": paths})
	if err != nil {
		return nil, err
	}
	has := map[string][]string{}
	for _, path := range paths {
		list, ok := data[path].([]any)
		if !ok {
			return nil, fmt.Errorf("Vault does not say what may be done at %s", path)
		}
		for _, capability := range list {
			has[path] = append(has[path], fmt.Sprint(capability))
		}
	}
	return has, nil
}

func (v *Vault) probeUpsert(ctx context.Context) Finding {
	f := Finding{Name: "Vault makes no keys by itself", OK: true, Detail: "disable_upsert is set"}
	for _, mount := range []string{"archive", "delivery"} {
		path := v.cfg.Prefix + "-" + mount + "/config/keys"
		var set any
		err := v.call(ctx, Prepare, func(ctx context.Context, c *api.Client) error {
			secret, err := c.Logical().ReadWithContext(ctx, path)
			if err == nil && secret != nil {
				set = secret.Data["disable_upsert"]
			}
			return err
		})
		if err != nil || set != true {
			f.OK, f.Detail, f.Do = false, fmt.Sprintf("disable_upsert is not set at %s", path), "vault write "+path+" disable_upsert=true"
			if err != nil {
				f.Detail = err.Error()
			}
			return f
		}
	}
	return f
}

// The words signed begin like nothing else that is signed, so the signature is of no use to anybody.
func (v *Vault) probeSign(ctx context.Context) Finding {
	_, public, err := v.Sign(ctx, []byte("sluice keyring probe "+rand.Text()))
	if err != nil {
		return Finding{Name: "signing", Detail: err.Error(), Do: "make the key: vault write " + v.signPath("keys") + " type=ed25519"}
	}
	return signing(public)
}
