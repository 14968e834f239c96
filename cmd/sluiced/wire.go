package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/keyring"
	"sluice/infra/mail"
	"sluice/infra/objects"
	"sluice/licensing"
	"sluice/templates"
	"sluice/templates/document"
	mailtext "sluice/templates/mail"
)

// A store is what a site keeps bodies in, and can be tried out.
type store interface {
	delivery.Store
	Probe(ctx context.Context, now func() time.Time) []objects.Finding
}

// A keys is what holds a site's keys, and can be tried out.
type keys interface {
	delivery.Keyring
	Probe(ctx context.Context, now func() time.Time) []keyring.Finding
	Describe() string
}

// A site is all parts of one installation, wired together.
type site struct {
	cfg      Config
	log      *slog.Logger
	key      [32]byte
	db       *db.DB
	accounts *account.Accounts
	registry *licensing.Registry
	letters  *letters
	journal  journal
	docs     *documents

	// These are nil in a site without its means: see openCore.
	store   store
	keys    keys
	depot   *delivery.Depot
	gateway *delivery.Gateway

	close []func()
}

// open builds everything. It does not migrate, and asks neither store nor keyring anything.
func open(ctx context.Context, cfg Config, log *slog.Logger, opt options) (*site, error) {
	s, err := openCore(ctx, cfg, log, opt)
	if err != nil {
		return nil, err
	}
	if err := s.openMeans(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// options change how a site is built. The zero options are for a real one.
type options struct {
	now     func() time.Time // the demo's clock
	out     sender           // where mail goes when mail.kind is none
	hashing account.Hashing
	anyKey  bool // go on without the local key: for an emergency stop, which proves nothing with it
	fresh   bool // make the local key of a database that was never used: for migrate and the demo

	unchecked bool // leave it to the caller to ask whether the local key is the right one
}

// clock is the time of every process but the demo's. Nothing sets it but the test that plays through months: no setting and
// no environment reaches it, since whoever moves the clock moves the end of every term.
var clock = time.Now

// openCore builds what stands on the database alone: neither store nor keyring is opened, and no text is read. An emergency
// stop needs no more, and goes ahead while those are away or broken.
func openCore(ctx context.Context, cfg Config, log *slog.Logger, opt options) (*site, error) {
	s := &site{cfg: cfg, log: log, journal: journal{path: cfg.JournalFile}}
	address, err := databaseAddress(cfg)
	if err != nil {
		return nil, err
	}
	if s.db, err = db.Open(ctx, address); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	s.close = append(s.close, func() { s.db.Close() })
	s.db.Now = clock
	if opt.now != nil {
		s.db.Now = opt.now
	}
	if s.key, err = s.localKey(ctx, opt.fresh); err != nil && opt.anyKey {
		_, err = rand.Read(s.key[:])
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	if s.accounts, err = account.New(s.db, subkey(s.key, "accounts"), account.Options{Foundation: cfg.Foundation.Name, Hashing: opt.hashing}); err != nil {
		s.Close()
		return nil, err
	}
	if !opt.anyKey && !opt.unchecked {
		if err := s.checkKey(ctx); err != nil {
			s.Close()
			return nil, err
		}
	}
	s.letters = &letters{cfg: cfg, db: s.db, accounts: s.accounts, out: opt.out}
	table, err := readJurisdictions(cfg.Jurisdictions)
	if err != nil {
		s.Close()
		return nil, err
	}
	s.docs = &documents{cfg: cfg, table: table}
	s.registry = licensing.New(s.db, s.accounts, licensing.Options{Zone: cfg.Zone, Settings: cfg.Terms, Jurisdiction: table,
		Statements: s.docs.statements, Render: s.docs.render, Printable: document.CheckScript, Send: s.letters.send})
	s.letters.registry, s.docs.licensee = s.registry, licenseeByNumber(s.db, s.registry)
	s.accounts.Notify = s.registry.Outbox().Notice
	s.db.Parked = s.registry.WorkParked
	return s, nil
}

// openMeans reads the texts, opens store, keyring and the way to the mail server, and ties deliveries to agreements.
func (s *site) openMeans() (err error) {
	if s.docs.texts, s.letters.texts, err = loadTexts(s.cfg); err != nil {
		return err
	}
	if s.cfg.Mail.Kind == "smtp" {
		if s.letters.out, err = newSMTP(s.cfg); err != nil {
			return usageError{err}
		}
	}
	if s.store, err = openStore(s.cfg); err != nil {
		return err
	}
	if s.keys, err = openKeyring(s.cfg, s.log); err != nil {
		return err
	}
	if vault, ok := s.keys.(*keyring.Vault); ok {
		s.close = append(s.close, vault.Close)
	}
	s.depot, err = delivery.New(s.db, s.registry, s.accounts, s.store, s.keys, delivery.Options{
		ArchiveBucket: s.cfg.Store.Archive, KeyDelay: s.cfg.KeyDelay, Certificate: s.docs.certificate, Log: s.log,
	})
	if err != nil {
		return err
	}
	s.gateway = delivery.NewGateway(s.depot)
	return nil
}

// Close lets go of everything, the last opened first.
func (s *site) Close() {
	for i := len(s.close) - 1; i >= 0; i-- {
		s.close[i]()
	}
	s.close = nil
}

// subkey derives a key for one purpose from the local key, so that no value made for one is of use for another.
func subkey(key [32]byte, purpose string) (sub [32]byte) {
	derived, err := hkdf.Key(sha256.New, key[:], nil, "sluice 1: "+purpose, len(sub))
	if err != nil {
		panic(err) // 32 bytes of SHA-256 always derive
	}
	copy(sub[:], derived)
	return sub
}

// localKey reads the local key, and makes that of a new site when fresh says so. Anywhere else a missing key is an error: a
// new one in its place would lock everybody out.
func (s *site) localKey(ctx context.Context, fresh bool) (key [32]byte, err error) {
	path := s.cfg.LocalKeyFile
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if b, err = s.newLocalKey(ctx, fresh); errors.Is(err, fs.ErrExist) {
			b, err = os.ReadFile(path) // another process was first
		}
	}
	if err != nil {
		return key, fmt.Errorf("the local key: %w", err)
	}
	if len(b) != len(key) {
		return key, fmt.Errorf("the local key in %s has %d bytes and not 32; put the right file back", path, len(b))
	}
	copy(key[:], b)
	return key, nil
}

// checkKey refuses to go on with a local key that is not the one that the database was used with: nobody could sign in, and
// what it made would be worth nothing under the right one. A database that is not of this version is not asked: what
// it lacks says whoever needs it.
func (s *site) checkKey(ctx context.Context) error {
	if s.db.Migrated(ctx) != nil {
		return nil
	}
	err := s.db.View(ctx, s.accounts.CheckKey)
	if errors.Is(err, account.ErrKey) {
		return fmt.Errorf("the local key: %s is not the one that this database was used with; %s", s.cfg.LocalKeyFile, keyLost)
	}
	return err
}

// keyLost says what to do about a local key that is missing or wrong.
const keyLost = "put the file back from its own backup, or if there is none, see sluiced account recover --help"

func (s *site) newLocalKey(ctx context.Context, fresh bool) ([]byte, error) {
	path := s.cfg.LocalKeyFile
	if !fresh {
		return nil, fmt.Errorf("%s is missing: on a new site run sluiced migrate, which makes it; on any other %s", path, keyLost)
	}
	switch unused, err := s.db.Unused(ctx); {
	case err != nil:
		return nil, err
	case !unused:
		return nil, fmt.Errorf("%s is missing, and this database was used with one: %s", path, keyLost)
	}
	return makeLocalKey(path)
}

// makeLocalKey writes a new key beside its place and moves it there in one step, so that nobody ever reads half of one.
func makeLocalKey(path string) ([]byte, error) {
	key := make([]byte, 32)
	rand.Read(key)
	f, err := os.CreateTemp(filepath.Dir(path), ".local-key-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(key) // CreateTemp makes it 0600
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	return key, os.Link(f.Name(), path)
}

// loadTexts reads the words of documents and mail. The folder of a site's own has a folder for each: agreements and mail,
// and locales for pages.
func loadTexts(cfg Config) (*document.Texts, *mailtext.Composer, error) {
	documents, err1 := document.Load(ownTexts(cfg, "agreements"))
	mails, err2 := mailtext.Load(ownTexts(cfg, "mail"), cfg.BaseURL, "Sluice", cfg.Foundation.Name)
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, usageError{fmt.Errorf("texts: %w", err)}
	}
	return documents, mails, nil
}

// loadPages reads the pages and their words, which only a process that serves needs.
func loadPages(cfg Config) (*templates.Set, error) {
	var own fs.FS
	if cfg.Texts != "" {
		own = os.DirFS(cfg.Texts)
	}
	pages, err := templates.Load(own)
	if err != nil {
		return nil, usageError{err}
	}
	return pages, nil
}

// ownTexts is a folder of the site's own texts, or nil.
func ownTexts(cfg Config, name string) fs.FS {
	if cfg.Texts == "" {
		return nil
	}
	folder := filepath.Join(cfg.Texts, name)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil
	}
	return os.DirFS(folder)
}

func databaseAddress(cfg Config) (string, error) {
	if cfg.Database.URLFile == "" {
		return cfg.Database.URL, nil
	}
	return readSecret(cfg.Database.URLFile)
}

func newSMTP(cfg Config) (*mail.SMTP, error) {
	reply := cfg.Mail.ReplyTo
	if reply == "" {
		reply = cfg.Foundation.Email
	}
	return mail.NewSMTP(mail.Config{
		Server: cfg.Mail.Address, Security: mail.Security(cfg.Mail.Security), User: cfg.Mail.User, PasswordFile: cfg.Mail.PasswordFile,
		CAFile: cfg.Mail.CAFile, From: mail.Address{Name: cfg.Foundation.Name, Address: cfg.Mail.From},
		ReplyTo: mail.Address{Name: cfg.Foundation.Name, Address: reply},
	})
}

func openStore(cfg Config) (store, error) {
	if cfg.Store.Kind == "dir" {
		return objects.NewDir(cfg.Store.Dir)
	}
	access, err := readSecret(cfg.Store.AccessKeyFile)
	if err != nil {
		return nil, err
	}
	secret, err := readSecret(cfg.Store.SecretKeyFile)
	if err != nil {
		return nil, err
	}
	return objects.NewS3(objects.Config{Endpoint: cfg.Store.Endpoint, AccessKey: access, SecretKey: objects.Secret(secret), Region: cfg.Store.Region,
		Prefix: cfg.Store.Prefix, CAFile: cfg.Store.CAFile, HostStyle: cfg.Store.HostStyle})
}

// openKeyring opens the keyring. A local one is made where there is no database file of a site yet to have used another:
// that is, at migrate and in the demo; anywhere else a missing file means that something is lost.
func openKeyring(cfg Config, log *slog.Logger) (keys, error) {
	if cfg.Keyring.Kind == "local" {
		local, err := keyring.OpenLocal(cfg.Keyring.File)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("the keyring %s does not exist: sluiced migrate makes it on a new site; on an old one put the file back, for without it nothing opens", cfg.Keyring.File)
		}
		return local, err
	}
	roles := map[keyring.Role]keyring.Credentials{}
	for name, r := range cfg.Keyring.Roles {
		roles[keyring.Role(name)] = keyring.Credentials{RoleID: r.RoleID, SecretIDFile: r.SecretIDFile}
	}
	return keyring.NewVault(keyring.Config{Address: cfg.Keyring.Address, CAFile: cfg.Keyring.CAFile, Namespace: cfg.Keyring.Namespace,
		Prefix: cfg.Keyring.Prefix, Roles: roles, Log: log})
}

// makeKeyring makes the local keyring of a new site.
func makeKeyring(cfg Config) error {
	if cfg.Keyring.Kind != "local" {
		return nil
	}
	_, err := keyring.CreateLocal(cfg.Keyring.File)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
