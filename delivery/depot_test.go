package delivery

import (
	"context"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
)

// What is missing must show when the server starts, not when a key has been destroyed and nobody can write so.
func TestADepotThatLacksAPartIsNotMade(t *testing.T) {
	type parts struct {
		db       *db.DB
		registry *licensing.Registry
		accounts *account.Accounts
		store    Store
		keys     Keyring
		text     func(Certificate) (source, pdf []byte, err error)
	}
	var store struct{ Store }
	var keys struct{ Keyring }
	text := func(Certificate) (source, pdf []byte, err error) { return nil, nil, nil }
	accounts := &account.Accounts{}
	registry := licensing.New(nil, accounts, licensing.Options{Send: func(context.Context, licensing.Letter) error { return nil }})
	whole := parts{&db.DB{}, registry, accounts, store, keys, text}
	made := func(p parts) error {
		_, err := New(p.db, p.registry, p.accounts, p.store, p.keys, Options{Certificate: p.text})
		return err
	}
	if err := made(whole); err != nil {
		t.Fatalf("whole: got %v", err)
	}
	for name, remove := range map[string]func(*parts){
		"database": func(p *parts) { p.db = nil }, "registry": func(p *parts) { p.registry = nil }, "accounts": func(p *parts) { p.accounts = nil },
		"store": func(p *parts) { p.store = nil }, "keyring": func(p *parts) { p.keys = nil }, "certificate": func(p *parts) { p.text = nil },
	} {
		lacking := whole
		remove(&lacking)
		if err := made(lacking); err == nil {
			t.Errorf("without %s: it was made", name)
		}
	}
}
