package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"sluice/infra/keyring"
	"sluice/infra/mail"
	"sluice/infra/objects"
	"sluice/licensing"
	"sluice/licensing/jurisdiction"
)

// A Config is all that an installation chooses. It is read once, from a YAML file and then from the environment
// (SLUICE_DATABASE__URL_FILE sets database.url_file); infra/deploy/sluice.yaml shows every setting with its default and
// consequence. Secrets stand in files of their own, and the settings name those.
type Config struct {
	// Listen is the address to serve on. Default 127.0.0.1:8080.
	Listen string `koanf:"listen"`
	// BaseURL is the address people use: https, without a path. Links in mail begin with it. http only on loopback.
	BaseURL string `koanf:"base_url"`
	// TLS serves HTTPS itself. Without it a proxy in front must, and must be listed in TrustedProxies.
	TLS struct {
		Certificate string `koanf:"certificate"`
		Key         string `koanf:"key"`
	} `koanf:"tls"`
	// TrustedProxies are the addresses or networks from which the client's address is believed. Default: nobody's.
	TrustedProxies []string `koanf:"trusted_proxies"`
	// Foundation is the licensor: who it is in agreements and mail.
	Foundation struct {
		Name     string `koanf:"name"`
		Address  string `koanf:"address"`
		Country  string `koanf:"country"` // ISO code; default NL
		Register string `koanf:"register"`
		Email    string `koanf:"email"` // of the data access desk
		// Acknowledgement is the text every publication must carry. It becomes part of each agreement.
		Acknowledgement string `koanf:"acknowledgement"`
	} `koanf:"foundation"`
	// Zone is where days begin: terms are agreed in dates of this zone. Default Europe/Amsterdam.
	Zone string `koanf:"zone"`
	// LocalKeyFile holds the 32 bytes that seal second factors and sessions; made at first start. Whoever has it and the
	// database can pass for anybody, so back the two up apart.
	LocalKeyFile string `koanf:"local_key_file"`
	Database     struct {
		// URL is "sqlite:PATH" or "postgres://…"; with a password in it use URLFile instead.
		URL     string `koanf:"url"`
		URLFile string `koanf:"url_file"`
	} `koanf:"database"`
	Store struct {
		Kind          string `koanf:"kind"` // "dir" or "s3"
		Dir           string `koanf:"dir"`
		Endpoint      string `koanf:"endpoint"`
		Region        string `koanf:"region"`
		AccessKeyFile string `koanf:"access_key_file"`
		SecretKeyFile string `koanf:"secret_key_file"`
		CAFile        string `koanf:"ca_file"`
		Prefix        string `koanf:"prefix"`
		HostStyle     bool   `koanf:"host_style"`
		Archive       string `koanf:"archive_bucket"` // default sluice-archive
	} `koanf:"store"`
	Keyring struct {
		Kind      string             `koanf:"kind"` // "local" or "vault"
		File      string             `koanf:"file"`
		Address   string             `koanf:"address"`
		CAFile    string             `koanf:"ca_file"`
		Namespace string             `koanf:"namespace"`
		Prefix    string             `koanf:"prefix"`
		Roles     map[string]AppRole `koanf:"roles"` // serve, prepare, destroy, sign: those this process plays
	} `koanf:"keyring"`
	Mail struct {
		Kind         string `koanf:"kind"` // "smtp" or "none": nothing is sent, and people find their letters in the portal only
		Address      string `koanf:"address"`
		Security     string `koanf:"security"` // starttls (default), tls, or none on loopback
		User         string `koanf:"user"`
		PasswordFile string `koanf:"password_file"`
		CAFile       string `koanf:"ca_file"`
		From         string `koanf:"from"`
		ReplyTo      string `koanf:"reply_to"`
	} `koanf:"mail"`
	// Texts is a folder whose files replace built-in texts: agreements, mail, pages. Default: none.
	Texts string `koanf:"texts"`

	Terms         licensing.Settings `koanf:"terms"`
	Jurisdictions string             `koanf:"jurisdictions"` // a table that replaces the built-in one
	// KeyDelay is how long the key of an ended delivery is kept. Default 24h.
	KeyDelay time.Duration `koanf:"key_delay"`
	// JournalFile takes emergency stops while the log cannot be written. Default stops.journal beside the local key.
	JournalFile string `koanf:"journal_file"`
}

// An AppRole logs one role in to Vault.
type AppRole struct {
	RoleID       string `koanf:"role_id"`
	SecretIDFile string `koanf:"secret_id_file"`
}

const envPrefix = "SLUICE_"

// configFile is the environment's way to name the file of settings; it is no setting itself.
const configFile = "SLUICE_CONFIG"

// loadConfig reads the file, if one is named, and the environment, and reports all that is wrong at once.
func loadConfig(path string) (Config, error) {
	k := koanf.New(".")
	if path != "" {
		if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
			return Config{}, fmt.Errorf("reading the settings in %s: %w", path, err)
		}
	}
	if err := k.Load(env.Provider(".", env.Opt{Prefix: envPrefix, TransformFunc: fromEnvironment}), nil); err != nil {
		return Config{}, err
	}
	c := Config{Listen: "127.0.0.1:8080", Zone: "Europe/Amsterdam", KeyDelay: 24 * time.Hour, Terms: licensing.DefaultSettings()}
	c.Foundation.Country, c.Store.Archive, c.Mail.Security = "NL", "sluice-archive", "starttls"
	wrong := dropUnknown(k)
	err := k.UnmarshalWithConf("", &c, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		TagName: "koanf", WeaklyTypedInput: true,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(mapstructure.StringToTimeDurationHookFunc(), mapstructure.StringToWeakSliceHookFunc(",")),
	}})
	wrong = append(wrong, misread(err)...)
	c.defaults()
	return c, errors.Join(append(wrong, c.faults()...)...)
}

// misread says which settings have a value of the wrong kind.
func misread(err error) (wrong []error) {
	var several interface{ Unwrap() []error }
	var one *mapstructure.DecodeError
	switch {
	case err == nil:
	case errors.As(err, &several):
		for _, e := range several.Unwrap() {
			wrong = append(wrong, misread(e)...)
		}
	case !errors.As(err, &one):
		wrong = append(wrong, fmt.Errorf("the settings cannot be read: %w", err))
	case one.Name() == "key_delay":
		wrong = append(wrong, fault{one.Name(), "write a number with its unit, such as 24h"})
	default:
		wrong = append(wrong, fault{one.Name(), "write it as infra/deploy/sluice.yaml shows it"})
	}
	return wrong
}

// fromEnvironment turns SLUICE_DATABASE__URL_FILE into database.url_file.
func fromEnvironment(name, value string) (string, any) {
	if name == configFile {
		return "", nil
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, envPrefix), "__", ".")), value
}

// dropUnknown takes out what is no setting, and says so for each: a misspelt setting would silently be its default.
func dropUnknown(k *koanf.Koanf) []error {
	known := settings()
	var wrong []error
	for _, key := range k.Keys() {
		parts := strings.Split(key, ".")
		if len(parts) == 4 && parts[0] == "keyring" && parts[1] == "roles" {
			parts[2] = anyRole
		}
		whole := strings.Join(parts, ".")
		isSection := func(setting string) bool { return strings.HasPrefix(setting, whole+".") }
		if k.Get(key) == "" { // the same as none, also where there is a default
			k.Delete(key)
		}
		if !slices.Contains(known, whole) && !slices.ContainsFunc(known, isSection) {
			wrong = append(wrong, fault{key, "there is no such setting; infra/deploy/sluice.yaml shows them all"})
			k.Delete(key)
		}
	}
	return wrong
}

// anyRole stands for the name of a role in the list of settings.
const anyRole = "ROLE"

// settings lists every setting by its dotted name.
func settings() []string { return settingsOf(reflect.TypeFor[Config](), "") }

func settingsOf(t reflect.Type, prefix string) (all []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := prefix + f.Tag.Get("koanf")
		switch {
		case f.Type.Kind() == reflect.Struct:
			all = append(all, settingsOf(f.Type, name+".")...)
		case f.Type.Kind() == reflect.Map:
			all = append(all, settingsOf(f.Type.Elem(), name+"."+anyRole+".")...)
		default:
			all = append(all, name)
		}
	}
	return all
}

// defaults fills what follows from other settings.
func (c *Config) defaults() {
	if c.JournalFile == "" && c.LocalKeyFile != "" {
		c.JournalFile = filepath.Join(filepath.Dir(c.LocalKeyFile), "stops.journal")
	}
}

// A fault is one thing to mend: the setting, and what to do.
type fault struct{ setting, do string }

func (f fault) Error() string { return f.setting + ": " + f.do }

// faults lists everything that is wrong. Nothing starts with a single one of them.
func (c Config) faults() []error {
	var all []error
	add := func(setting, do string, args ...any) { all = append(all, fault{setting, fmt.Sprintf(do, args...)}) }
	need := func(setting, value string) bool {
		if value == "" {
			add(setting, "set it; infra/deploy/sluice.yaml says what belongs there")
		}
		return value != ""
	}
	secret := func(setting, path string) {
		if need(setting, path) {
			if err := secretFile(path); err != nil {
				add(setting, "%v", err)
			}
		}
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		add("listen", "write host:port, such as 127.0.0.1:8080")
	}
	c.webFaults(add, secret)
	need("foundation.name", c.Foundation.Name)
	need("foundation.address", c.Foundation.Address)
	if need("foundation.email", c.Foundation.Email) {
		if err := mail.CheckAddress(c.Foundation.Email); err != nil {
			add("foundation.email", "%v", err)
		}
	}
	if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "" || c.Zone == "Local" {
		add("zone", "%q is not the name of a time zone, such as Europe/Amsterdam", c.Zone)
	}
	if need("local_key_file", c.LocalKeyFile) {
		err := secretFile(c.LocalKeyFile)
		if _, there := os.Stat(filepath.Dir(c.LocalKeyFile)); there != nil {
			add("local_key_file", "the folder %s is not there; make it, readable by nobody else", filepath.Dir(c.LocalKeyFile))
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) { // migrate makes it
			add("local_key_file", "%v", err)
		}
	}
	if c.KeyDelay < time.Minute || c.KeyDelay > 90*24*time.Hour { // none at all means the default further in
		add("key_delay", "choose between a minute (1m) and 90 days (2160h)")
	}
	switch {
	case c.Database.URL != "" && c.Database.URLFile != "":
		add("database", "set url or url_file, not both")
	case c.Database.URLFile != "":
		secret("database.url_file", c.Database.URLFile)
	default:
		if need("database.url", c.Database.URL) {
			if u, err := url.Parse(c.Database.URL); err == nil && u.User != nil {
				if _, has := u.User.Password(); has {
					add("database.url", "put the address with its password into a file, and name that in database.url_file")
				}
			}
		}
	}
	for _, wrong := range lines(c.Terms.Check()) {
		name, do, _ := strings.Cut(wrong, ": ")
		add("terms."+name, "%s", do)
	}
	if _, err := readJurisdictions(c.Jurisdictions); err != nil {
		addLines(add, "jurisdictions", err)
	}
	c.partFaults(add, need, secret)
	return all
}

func (c Config) webFaults(add func(string, string, ...any), secret func(string, string)) {
	u, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		add("base_url", "write the address people use, such as https://data.example.org")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		add("base_url", "use https: passwords and data would travel in the clear over http")
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		add("tls", "set both certificate and key, or neither")
	}
	if c.TLS.Key != "" {
		secret("tls.key", c.TLS.Key)
	}
	there(add, "tls.certificate", c.TLS.Certificate)
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && c.TLS.Key == "" && !loopback(host) && len(c.TrustedProxies) == 0 {
		add("listen", "without tls, listen on 127.0.0.1, or list the proxy in front in trusted_proxies")
	}
	for _, p := range c.TrustedProxies {
		if _, err := prefixOf(p); err != nil {
			add("trusted_proxies", "%q is neither an address nor a network such as 10.0.0.0/8", p)
		}
	}
}

func (c Config) partFaults(add func(string, string, ...any), need func(string, string) bool, secret func(string, string)) {
	switch c.Store.Kind {
	case "dir":
		need("store.dir", c.Store.Dir)
	case "s3":
		secret("store.access_key_file", c.Store.AccessKeyFile)
		secret("store.secret_key_file", c.Store.SecretKeyFile)
		if need("store.endpoint", c.Store.Endpoint) {
			err := (objects.Config{Endpoint: c.Store.Endpoint, AccessKey: "x", SecretKey: "x", Prefix: c.Store.Prefix, CAFile: c.Store.CAFile}).Check()
			addLines(add, "store", err)
		}
	default:
		add("store.kind", `write "s3", or "dir" for a folder of this machine`)
	}
	switch c.Keyring.Kind {
	case "local":
		need("keyring.file", c.Keyring.File)
	case "vault":
		if need("keyring.address", c.Keyring.Address) {
			if u, err := url.Parse(c.Keyring.Address); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
				add("keyring.address", "write it as https://host:port, such as https://vault.example.org:8200")
			}
		}
		there(add, "keyring.ca_file", c.Keyring.CAFile)
		if len(c.Keyring.Roles) == 0 {
			add("keyring.roles", "name the roles of this process with their AppRole: serve, prepare, destroy, sign")
		}
		for name, role := range c.Keyring.Roles {
			if !slices.Contains(keyring.Roles, keyring.Role(name)) {
				add("keyring.roles."+name, "there is no such role; there are serve, prepare, destroy and sign")
			}
			need("keyring.roles."+name+".role_id", role.RoleID)
			secret("keyring.roles."+name+".secret_id_file", role.SecretIDFile)
		}
	default:
		add("keyring.kind", `write "vault", or "local" for a file of this machine`)
	}
	switch c.Mail.Kind {
	case "none":
	case "smtp":
		whole := need("mail.address", c.Mail.Address)
		whole = need("mail.from", c.Mail.From) && whole
		if c.Mail.User != "" {
			secret("mail.password_file", c.Mail.PasswordFile)
			whole = whole && secretFile(c.Mail.PasswordFile) == nil
		}
		if whole { // else it would say the same again in other words
			_, err := newSMTP(c)
			addLines(add, "mail", err)
		}
	default:
		add("mail.kind", `write "smtp", or "none" to send nothing`)
	}
	if c.Texts != "" {
		if info, err := os.Stat(c.Texts); err != nil || !info.IsDir() {
			add("texts", "%s is not a folder", c.Texts)
		}
	}
}

// addLines adds what a part says of its own settings, one fault a line.
func addLines(add func(string, string, ...any), part string, err error) {
	for _, wrong := range lines(err) {
		add(part, "%s", strings.TrimPrefix(wrong, part+": "))
	}
}

// lines are the lines of an error that holds several; none for no error.
func lines(err error) (all []string) {
	if err == nil {
		return nil
	}
	for line := range strings.Lines(err.Error()) {
		all = append(all, strings.TrimSpace(line))
	}
	return all
}

// readJurisdictions reads the table that a setting names, or gives the built-in one.
func readJurisdictions(path string) (jurisdiction.Table, error) {
	if path == "" {
		return jurisdiction.Default(), nil
	}
	if err := opens(path); err != nil {
		return jurisdiction.Table{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return jurisdiction.Table{}, err
	}
	defer f.Close()
	return jurisdiction.Read(f)
}

// there adds a fault when a file is named that cannot be opened.
func there(add func(string, string, ...any), setting, path string) {
	if path == "" {
		return
	}
	if err := opens(path); err != nil {
		add(setting, "%v", err)
	}
}

// missing is the path of a file that is not there.
type missing string

func (m missing) Error() string { return "there is no file " + string(m) }

// Unwrap lets a caller ask for fs.ErrNotExist.
func (missing) Unwrap() error { return fs.ErrNotExist }

// opens says whether a file can be opened.
func opens(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return missing(path)
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// secretFile says whether a file that holds a secret can be read by us, and by nobody but its owner and group.
func secretFile(path string) error {
	if err := opens(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o007 != 0 {
		return fmt.Errorf("everybody on this machine can read %s; run chmod 600 on it", path)
	}
	return nil
}

// readSecret reads a secret from its file, without the line end that editors add.
func readSecret(path string) (string, error) {
	if err := secretFile(path); err != nil {
		return "", err
	}
	b, err := os.ReadFile(path)
	return strings.TrimRight(string(b), "\r\n"), err
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func prefixOf(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return a.Prefix(a.BitLen())
}
