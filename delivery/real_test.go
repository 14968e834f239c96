package delivery_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db/dbtest"
	"sluice/infra/keyring"
	"sluice/infra/objects"
	"sluice/infra/servers"
	"sluice/licensing"
)

// A vault is a real Vault, set up with the policies and the four roles that a foundation uses.
type vault struct {
	servers.VaultServer
	*keyring.Vault
	calls *calls
}

func realVault(t testing.TB) vault {
	t.Helper()
	v := vault{VaultServer: servers.Vault(t), calls: &calls{}}
	root, err := v.Client()
	must(t, err)
	setup := keyring.Setup{Policies: os.DirFS("../infra/deploy/vault"), CIDRs: []string{"127.0.0.1/32"}}
	must(t, setup.Apply(t.Context(), root))
	config := keyring.Config{Address: v.Address, Roles: map[keyring.Role]keyring.Credentials{}, Transport: v.calls}
	for _, role := range keyring.Roles {
		roleID, secretID, err := setup.Issue(t.Context(), root, role)
		must(t, err)
		file := filepath.Join(t.TempDir(), string(role))
		must(t, os.WriteFile(file, []byte(secretID+"\n"), 0o600))
		config.Roles[role] = keyring.Credentials{RoleID: roleID, SecretIDFile: file}
	}
	v.Vault, err = keyring.NewVault(config)
	must(t, err)
	t.Cleanup(v.Vault.Close)
	return v
}

// calls counts what is asked of Vault.
type calls struct {
	mu    sync.Mutex
	paths []string
}

func (c *calls) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.paths = append(c.paths, r.URL.Path)
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// take gives how many calls of a kind there were since it was asked last.
func (c *calls) take(part string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, path := range c.paths {
		if strings.Contains(path, part) {
			n++
		}
	}
	c.paths = nil
	return n
}

func realS3(t testing.TB, server servers.S3) *objects.S3 {
	t.Helper()
	s, err := objects.NewS3(objects.Config{Endpoint: server.URL(), AccessKey: server.AccessKey, SecretKey: objects.Secret(server.SecretKey),
		Region: server.Region, Prefix: "t" + strings.ToLower(filepath.Base(t.TempDir())) + time.Now().Format("150405") + "-"})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func TestTheWholeStoryOnRealServers(t *testing.T) {
	d, clock := dbtest.Postgres(t)
	server, keys := servers.OwnMinIO(t), realVault(t)
	// The rule of a bucket is judged by the server's own clock: the story happens today.
	clock.Set(time.Now().UTC().Truncate(time.Microsecond))
	today := licensing.DateOf(clock.Now())
	w := deliverytest.New(t, d, clock, deliverytest.Options{Store: realS3(t, server), Keys: keys, KeyDelay: 20 * time.Minute})
	set := w.Import("WGS 2026-10", small())
	archived(t, w)

	a := w.Signing(today.AddDays(40), set.ID)
	must(t, keys.Seal(t.Context()))
	a.Sign(w.Rep, licensing.Representative)
	a.Contact, a.ContactID = a.Join("carla", "Carla Contact"), a.Load().Contacts[0].ID
	w.Work()
	if got := a.Delivery().State; got != delivery.Preparing {
		t.Fatalf("with Vault sealed: got %s, want it to wait", got)
	}
	must(t, keys.Unseal(t.Context()))
	w.WorkOff()
	s := serve(t, w.Depot, map[string]account.Who{})
	complete(t, "when Vault is back", w, a, s, small())
	first := a.Delivery()

	t.Run("with the store down, a page and then the file", func(t *testing.T) {
		server.Stop()
		got := s.get("carla", first.ID, "exact.bam")
		must(t, server.Start(t.Context()))
		got.want(t, "without MinIO", 503, nil)
		s.get("carla", first.ID, "exact.bam").want(t, "with MinIO", 200, small()["exact.bam"])
	})
	t.Run("with Vault sealed, a page and then the file", func(t *testing.T) {
		must(t, keys.Seal(t.Context()))
		s.get("carla", first.ID, "exact.bam").want(t, "sealed", 503, nil)
		a.RemoveContact(a.ContactID)
		must(t, keys.Unseal(t.Context()))
		s.get("carla", first.ID, "exact.bam").want(t, "removed while it was sealed", 403, nil)
		a.Contact, a.ContactID = a.AddContact("dora", "Dora Download")
		w.WorkOff()
		complete(t, "the next contact", w, a, s, small())
	})
	t.Run("an extension moves the bucket's own end", func(t *testing.T) {
		a.Extend(today.AddDays(70))
		w.WorkOff()
		end, err := w.Store.End(t.Context(), first.Bucket)
		must(t, err)
		if until := a.Load().Term.Until; end.Before(until) || end.Sub(until) > 24*time.Hour || !a.Delivery().BucketEnd.Equal(end) {
			t.Errorf("got %v (the row says %v), want the midnight after %v", end, a.Delivery().BucketEnd, until)
		}
		complete(t, "extended", w, a, s, small())
	})
	t.Run("the end takes everything away", func(t *testing.T) {
		a.Do(licensing.ActionTerminate)
		s.get("carla", first.ID, "exact.bam").want(t, "terminated", 403, nil)
		w.WorkOff()
		gone(t, "the delivery", w, a.Delivery().Delivery)
		_, err := w.Keys.Unwrap(context.Background(), first.Key, []delivery.Sealed{{FileID: "x", Wrapped: "vault:v1:" + string(make([]byte, 8))}})
		wantErr(t, "the key that was destroyed", err, delivery.ErrKeyGone)
		archived(t, w)
	})
	replay(t, w)
}
