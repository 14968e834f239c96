package servers

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
)

// vaultWithTransit is a Vault with the transit engine at transit/, and a
// client that may do everything.
func vaultWithTransit(t *testing.T) (VaultServer, *api.Client) {
	t.Helper()
	v := Vault(t)
	root := client(t, v)
	if err := root.Sys().MountWithContext(t.Context(), "transit", &api.MountInput{Type: "transit"}); err != nil {
		t.Fatal(err)
	}
	return v, root
}

func TestVaultWrapsKeysForTheContextTheyWereMadeFor(t *testing.T) {
	_, root := vaultWithTransit(t)
	write(t, root, "transit/keys/k", map[string]any{"derived": true})
	context := base64.StdEncoding.EncodeToString([]byte("file 1"))
	made := write(t, root, "transit/datakey/plaintext/k", map[string]any{"context": context})

	opened := write(t, root, "transit/decrypt/k", map[string]any{"context": context, "ciphertext": made["ciphertext"]})
	if opened["plaintext"] != made["plaintext"] {
		t.Error("the opened data key is not the one that was made")
	}
	other := base64.StdEncoding.EncodeToString([]byte("file 2"))
	_, err := root.Logical().WriteWithContext(t.Context(), "transit/decrypt/k", map[string]any{"context": other, "ciphertext": made["ciphertext"]})
	wantStatus(t, err, http.StatusBadRequest)
}

func TestVaultTakesBatchesOfFiveHundred(t *testing.T) {
	_, root := vaultWithTransit(t)
	write(t, root, "transit/keys/k", map[string]any{"derived": true})
	var batch []map[string]any
	for i := range 500 {
		batch = append(batch, map[string]any{
			"context":   base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "file %d", i)),
			"plaintext": base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "key %d", i)),
		})
	}
	sealed := results(t, write(t, root, "transit/encrypt/k", map[string]any{"batch_input": batch}))
	for i, item := range sealed {
		batch[i]["ciphertext"] = item["ciphertext"]
	}
	opened := results(t, write(t, root, "transit/decrypt/k", map[string]any{"batch_input": batch}))
	if len(opened) != 500 {
		t.Fatalf("got %d results, want 500", len(opened))
	}
	for i, item := range opened {
		if item["plaintext"] != batch[i]["plaintext"] {
			t.Fatalf("item %d: got %v, want %v", i, item["plaintext"], batch[i]["plaintext"])
		}
	}
}

func TestVaultSignsWithEd25519(t *testing.T) {
	_, root := vaultWithTransit(t)
	write(t, root, "transit/keys/s", map[string]any{"type": "ed25519"})
	message := []byte("manifest")
	signed := write(t, root, "transit/sign/s", map[string]any{"input": base64.StdEncoding.EncodeToString(message)})
	secret, err := root.Logical().ReadWithContext(t.Context(), "transit/keys/s")
	if err != nil {
		t.Fatal(err)
	}
	first := secret.Data["keys"].(map[string]any)["1"].(map[string]any)
	public := decode(t, first["public_key"].(string))
	signature := decode(t, strings.TrimPrefix(signed["signature"].(string), "vault:v1:"))
	if !ed25519.Verify(public, message, signature) {
		t.Error("the signature does not verify outside Vault")
	}
}

func TestVaultDestroysKeysForGood(t *testing.T) {
	_, root := vaultWithTransit(t)
	write(t, root, "transit/keys/k", nil)
	_, err := root.Logical().DeleteWithContext(t.Context(), "transit/keys/k")
	wantStatus(t, err, http.StatusBadRequest) // deletion is not allowed yet
	write(t, root, "transit/keys/k/config", map[string]any{"deletion_allowed": true})
	if _, err := root.Logical().DeleteWithContext(t.Context(), "transit/keys/k"); err != nil {
		t.Fatal(err)
	}
	if secret, err := root.Logical().ReadWithContext(t.Context(), "transit/keys/k"); secret != nil || err != nil {
		t.Errorf("got %v, %v for a destroyed key, want neither (the client's way to say 404)", secret, err)
	}
}

func TestAnAppRoleMayDoWhatItsPolicySaysAndRenewItsToken(t *testing.T) {
	v, root := vaultWithTransit(t)
	write(t, root, "transit/keys/mine", nil)
	write(t, root, "transit/keys/theirs", nil)
	if err := root.Sys().PutPolicyWithContext(t.Context(), "mine", `path "transit/encrypt/mine" { capabilities = ["update"] }`); err != nil {
		t.Fatal(err)
	}
	token := appRole(t, v, root, "127.0.0.0/8")
	data := map[string]any{"plaintext": base64.StdEncoding.EncodeToString([]byte("x"))}
	write(t, token, "transit/encrypt/mine", data)
	_, err := token.Logical().WriteWithContext(t.Context(), "transit/encrypt/theirs", data)
	wantStatus(t, err, http.StatusForbidden)
	renewed, err := token.Auth().Token().RenewSelfWithContext(t.Context(), 60)
	if err != nil {
		t.Fatal(err)
	}
	if !renewed.Auth.Renewable {
		t.Error("the token cannot be renewed")
	}
}

func TestAnAppRoleBoundToAnotherAddressIsRefused(t *testing.T) {
	v, root := vaultWithTransit(t)
	_, err := logIn(t, v, root, "192.0.2.0/24")
	wantStatus(t, err, http.StatusBadRequest)
}

func TestASealedVaultAnswersNothingUntilItIsUnsealed(t *testing.T) {
	v, root := vaultWithTransit(t)
	write(t, root, "transit/keys/k", nil)
	if err := v.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := root.Logical().ReadWithContext(t.Context(), "transit/keys/k")
	wantStatus(t, err, http.StatusServiceUnavailable)
	if err := v.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Logical().ReadWithContext(t.Context(), "transit/keys/k"); err != nil {
		t.Errorf("after unsealing: %v", err)
	}
}

func TestAKilledVaultComesBackWithItsKeys(t *testing.T) {
	v, root := vaultWithTransit(t)
	write(t, root, "transit/keys/k", nil)
	sealed := write(t, root, "transit/encrypt/k", map[string]any{"plaintext": "eA=="})
	v.Stop()
	if _, err := root.Sys().HealthWithContext(t.Context()); err == nil {
		t.Error("a stopped Vault answers")
	}
	if err := v.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	opened := write(t, root, "transit/decrypt/k", map[string]any{"ciphertext": sealed["ciphertext"]})
	if opened["plaintext"] != "eA==" {
		t.Errorf("got %v, want eA==", opened["plaintext"])
	}
}

// appRole returns a client that signed in by AppRole with the policy "mine".
func appRole(t *testing.T, v VaultServer, root *api.Client, from string) *api.Client {
	t.Helper()
	auth, err := logIn(t, v, root, from)
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, v)
	c.SetToken(auth.Auth.ClientToken)
	return c
}

func logIn(t *testing.T, v VaultServer, root *api.Client, from string) (*api.Secret, error) {
	t.Helper()
	if err := root.Sys().EnableAuthWithOptionsWithContext(t.Context(), "approle", &api.EnableAuthOptions{Type: "approle"}); err != nil {
		t.Fatal(err)
	}
	write(t, root, "auth/approle/role/r", map[string]any{
		"token_policies": "mine", "token_ttl": "1m", "token_max_ttl": "5m", "secret_id_bound_cidrs": from,
	})
	role, err := root.Logical().ReadWithContext(t.Context(), "auth/approle/role/r/role-id")
	if err != nil {
		t.Fatal(err)
	}
	secret := write(t, root, "auth/approle/role/r/secret-id", nil)
	c := client(t, v)
	c.ClearToken()
	return c.Logical().WriteWithContext(t.Context(), "auth/approle/login", map[string]any{
		"role_id": role.Data["role_id"], "secret_id": secret["secret_id"],
	})
}

func client(t *testing.T, v VaultServer) *api.Client {
	t.Helper()
	c, err := v.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, c *api.Client, path string, data map[string]any) map[string]any {
	t.Helper()
	secret, err := c.Logical().WriteWithContext(context.WithoutCancel(t.Context()), path, data)
	if err != nil {
		t.Fatal(err)
	}
	if secret == nil {
		return nil
	}
	return secret.Data
}

func results(t *testing.T, data map[string]any) []map[string]any {
	t.Helper()
	var items []map[string]any
	for _, item := range data["batch_results"].([]any) {
		items = append(items, item.(map[string]any))
	}
	return items
}

func decode(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantStatus(t *testing.T, err error, want int) {
	t.Helper()
	var refused *api.ResponseError
	if !errors.As(err, &refused) || refused.StatusCode != want {
		t.Errorf("got %v, want status %d", err, want)
	}
}
