package keyring

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"
)

// Setup says how Vault is to be prepared for Sluice. infra/deploy/vault/setup.sh does the same with Vault's own command.
type Setup struct {
	Prefix   string        // as in Config; empty: sluice
	AppRole  string        // as in Config; empty: approle
	SignKey  string        // as in Config; empty: sluice
	Policies fs.FS         // the folder infra/deploy/vault, with a .hcl file a role
	CIDRs    []string      // the addresses from which secret ids and tokens may be used; empty: any
	TokenTTL time.Duration // how long a token lives without renewal; 0: an hour
	TokenMax time.Duration // how long it lives at most, before a new login; 0: a day
}

// Apply makes mounts, signing key, policies and roles with a client that may do all of that. Repeating it changes
// nothing but policies and roles that differ.
func (s Setup) Apply(ctx context.Context, root *api.Client) error {
	s = s.complete()
	for _, mount := range []string{"archive", "delivery", "sign"} {
		if err := s.mount(ctx, root, s.Prefix+"-"+mount); err != nil {
			return fmt.Errorf("mounting %s-%s: %w", s.Prefix, mount, err)
		}
	}
	if _, err := root.Logical().WriteWithContext(ctx, s.Prefix+"-sign/keys/"+s.SignKey, map[string]any{"type": "ed25519"}); err != nil {
		return fmt.Errorf("making the signing key: %w", err)
	}
	if err := s.enableAppRole(ctx, root); err != nil {
		return fmt.Errorf("enabling AppRole at %s: %w", s.AppRole, err)
	}
	for _, role := range Roles {
		if err := s.role(ctx, root, role); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	return nil
}

// Issue draws a secret id for a role and gives it with the role's id. It can be used any number of times, since a
// process whose token has reached its end logs in again by itself; the address range is what bounds it.
func (s Setup) Issue(ctx context.Context, root *api.Client, role Role) (roleID, secretID string, err error) {
	s = s.complete()
	path := "auth/" + s.AppRole + "/role/" + s.roleName(role)
	read, err := root.Logical().ReadWithContext(ctx, path+"/role-id")
	if err != nil {
		return "", "", fmt.Errorf("reading the id of role %s: %w", role, err)
	}
	if read == nil {
		return "", "", fmt.Errorf("role %s is not set up", role)
	}
	drawn, err := root.Logical().WriteWithContext(ctx, path+"/secret-id", nil)
	if err != nil {
		return "", "", fmt.Errorf("drawing a secret id for role %s: %w", role, err)
	}
	roleID, _ = read.Data["role_id"].(string)
	secretID, _ = drawn.Data["secret_id"].(string)
	if roleID == "" || secretID == "" {
		return "", "", fmt.Errorf("role %s: Vault answers without a role id or secret id", role)
	}
	return roleID, secretID, nil
}

func (s Setup) complete() Setup {
	s.Prefix = orDefault(s.Prefix, "sluice")
	s.AppRole = orDefault(s.AppRole, "approle")
	s.SignKey = orDefault(s.SignKey, "sluice")
	if s.TokenTTL == 0 {
		s.TokenTTL = time.Hour
	}
	if s.TokenMax == 0 {
		s.TokenMax = 24 * time.Hour
	}
	return s
}

func (s Setup) roleName(role Role) string { return s.Prefix + "-" + string(role) }

// mount enables the engine and keeps it from making keys by itself: a second lock beside the update-only policies.
func (s Setup) mount(ctx context.Context, root *api.Client, path string) error {
	mounts, err := root.Sys().ListMountsWithContext(ctx)
	if err != nil {
		return err
	}
	if there := mounts[path+"/"]; there != nil && there.Type != "transit" {
		return fmt.Errorf("an engine of type %s is mounted there; choose another prefix", there.Type)
	} else if there == nil {
		if err := root.Sys().MountWithContext(ctx, path, &api.MountInput{Type: "transit"}); err != nil {
			return err
		}
	}
	_, err = root.Logical().WriteWithContext(ctx, path+"/config/keys", map[string]any{"disable_upsert": true})
	return err
}

func (s Setup) enableAppRole(ctx context.Context, root *api.Client) error {
	methods, err := root.Sys().ListAuthWithContext(ctx)
	if err != nil {
		return err
	}
	if there := methods[s.AppRole+"/"]; there != nil && there.Type != "approle" {
		return fmt.Errorf("a method of type %s is mounted there; choose another name", there.Type)
	} else if there != nil {
		return nil
	}
	return root.Sys().EnableAuthWithOptionsWithContext(ctx, s.AppRole, &api.EnableAuthOptions{Type: "approle"})
}

func (s Setup) role(ctx context.Context, root *api.Client, role Role) error {
	text, err := fs.ReadFile(s.Policies, string(role)+".hcl")
	if err != nil {
		return err
	}
	if err := root.Sys().PutPolicyWithContext(ctx, s.roleName(role), s.rename(string(text))); err != nil {
		return err
	}
	settings := map[string]any{
		"token_policies":          []string{s.roleName(role)},
		"token_no_default_policy": true,
		"token_ttl":               s.TokenTTL.String(),
		"token_max_ttl":           s.TokenMax.String(),
		"secret_id_num_uses":      0,
		"secret_id_ttl":           0,
		"secret_id_bound_cidrs":   s.CIDRs,
		"token_bound_cidrs":       s.CIDRs,
	}
	_, err = root.Logical().WriteWithContext(ctx, "auth/"+s.AppRole+"/role/"+s.roleName(role), settings)
	return err
}

// rename puts the names of this installation into a policy, which is written for the prefix and key sluice.
func (s Setup) rename(policy string) string {
	return strings.NewReplacer(
		`"sluice-sign/sign/sluice"`, `"`+s.Prefix+`-sign/sign/`+s.SignKey+`"`,
		`"sluice-sign/keys/sluice"`, `"`+s.Prefix+`-sign/keys/`+s.SignKey+`"`,
		`"sluice-`, `"`+s.Prefix+`-`,
	).Replace(policy)
}
