package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Security says how the way to the mail server is protected.
type Security string

// The ways to reach a mail server.
const (
	StartTLS Security = "starttls" // the default; a server that does not offer it gets nothing
	Implicit Security = "tls"
	Plain    Security = "none" // on loopback only
)

// Config is what it takes to reach a mail server.
type Config struct {
	Server       string   // host:port
	Security     Security // empty means StartTLS
	User         string   // empty: no sign-in
	PasswordFile string   // read at every sending, so that a new password needs no restart
	CAFile       string   // certificates to trust beside the system's; may be empty
	From         Address  // what readers see as the sender
	ReplyTo      Address  // a mailbox that somebody reads
	Domain       string   // for message ids; empty takes the sender's
	Timeout      time.Duration
}

// SMTP sends through a mail server.
type SMTP struct {
	cfg  Config
	host string
	port int
	tls  *tls.Config
}

const defaultTimeout = 30 * time.Second

// NewSMTP checks the configuration and returns all that is wrong with it at once. It does not connect.
func NewSMTP(cfg Config) (*SMTP, error) {
	s := &SMTP{cfg: cfg}
	var wrong []error
	note := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf("mail: "+format, args...)) }

	host, port, err := net.SplitHostPort(cfg.Server)
	s.host = host
	s.port, _ = strconv.Atoi(port)
	if err != nil || host == "" || s.port < 1 || s.port > 65535 {
		note("server %q: write it as host:port, such as smtp.example.org:587", cfg.Server)
	}
	switch cfg.Security {
	case "":
		s.cfg.Security = StartTLS
	case StartTLS, Implicit:
	case Plain:
		if !loopback(host) {
			note("security none is for loopback only, and %q is not: use starttls or tls", host)
		}
		if cfg.User != "" {
			note("a password is not sent without TLS: leave the user out or use starttls")
		}
	default:
		note("security %q: use starttls, tls or none", cfg.Security)
	}
	if err := CheckAddress(cfg.From.Address); err != nil {
		note("from: %w", err)
	}
	if err := CheckAddress(cfg.ReplyTo.Address); err != nil {
		note("reply to: %w", err)
	}
	if s.cfg.Domain == "" {
		_, s.cfg.Domain, _ = strings.Cut(cfg.From.Address, "@")
	}
	if cfg.Timeout <= 0 {
		s.cfg.Timeout = defaultTimeout
	}
	if _, err := s.password(); err != nil {
		wrong = append(wrong, err)
	}
	if s.tls, err = trust(host, cfg.CAFile); err != nil {
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return s, nil
}

// Send delivers the message to the mail server within the configured time. Once the server has said that it has the
// message, what goes wrong after that is no reason to send it again.
func (s *SMTP) Send(ctx context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	raw, err := s.compose(m)
	if err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	err = client.DialAndSendWithContext(ctx, raw)
	if err == nil || raw.IsDelivered() {
		return nil
	}
	// What the server said is kept for the operator, without the reader's address: this text goes to logs.
	said := strings.ReplaceAll(err.Error(), m.To.Address, "the reader")
	if refused(err) {
		return fmt.Errorf("%w: sending mail %s: %s", ErrRefused, m.ID, said)
	}
	return fmt.Errorf("sending mail %s: %s", m.ID, said)
}

// Call connects as for a letter, with TLS and the sign-in, and sends nothing.
func (s *SMTP) Call(ctx context.Context) error {
	client, err := s.client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("calling the mail server: %w", err)
	}
	_ = client.Close() // whatever it says to goodbye, it let us in
	return nil
}

// refused says that the server turned down this reader or this message for good. A server that turns down us (the
// sign-in, the sender, the TLS) is a matter for the operator, after whose repair the same message goes through.
func refused(err error) bool {
	var failed *gomail.SendError
	if !errors.As(err, &failed) || failed.ErrorCode() < 500 || failed.ErrorCode() > 599 {
		return false
	}
	switch failed.ErrorCode() {
	case 530, 534, 535, 538: // sign in first, or otherwise
		return false
	}
	switch failed.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		return true
	}
	return false
}

func (s *SMTP) client() (*gomail.Client, error) {
	options := []gomail.Option{gomail.WithPort(s.port), gomail.WithTimeout(s.cfg.Timeout), gomail.WithHELO(s.cfg.Domain),
		gomail.WithTLSConfig(s.tls), gomail.WithoutNoop(), gomail.WithoutSMTPUTF8()}
	switch s.cfg.Security {
	case Implicit:
		options = append(options, gomail.WithSSL())
	case Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.cfg.User != "" {
		password, err := s.password()
		if err != nil {
			return nil, err
		}
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.cfg.User), gomail.WithPassword(password))
	}
	client, err := gomail.NewClient(s.host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return client, nil
}

// compose writes the headers. Addresses go in as values and never as text to be parsed: that is where a name with a
// quote in it once became a second reader.
func (s *SMTP) compose(m Message) (*gomail.Msg, error) {
	raw := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	raw.FromMailAddress(header(s.cfg.From))
	raw.ToMailAddress(header(m.To))
	raw.ReplyToMailAddress(header(s.cfg.ReplyTo))
	raw.Subject(oneLine(m.Subject))
	raw.SetDateWithValue(m.At)
	raw.SetMessageIDWithValue(m.ID + "@" + s.cfg.Domain)
	raw.SetGenHeader("Auto-Submitted", "auto-generated")
	if m.Lang != "" {
		raw.SetGenHeader("Content-Language", oneLine(m.Lang))
	}
	if m.Thread != "" {
		root := "<thread-" + strings.ToLower(m.Thread) + "@" + s.cfg.Domain + ">"
		raw.SetGenHeader("In-Reply-To", root)
		raw.SetGenHeader("References", root)
	}
	raw.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		raw.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	for _, a := range m.Attachments {
		err := raw.AttachReader(a.Name, bytes.NewReader(a.Data), gomail.WithFileContentType("text/calendar; charset=utf-8"))
		if err != nil {
			return nil, fmt.Errorf("attaching %s: %w", a.Name, err)
		}
	}
	return raw, nil
}

func header(a Address) *netmail.Address {
	return &netmail.Address{Name: oneLine(a.Name), Address: a.Address}
}

func (s *SMTP) password() (string, error) {
	if s.cfg.User == "" {
		return "", nil
	}
	b, err := os.ReadFile(s.cfg.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("mail: the password of user %s: %w", s.cfg.User, err)
	}
	password := strings.TrimRight(string(b), "\r\n")
	if password == "" {
		return "", fmt.Errorf("mail: the password file %s is empty", s.cfg.PasswordFile)
	}
	return password, nil
}

func trust(host, caFile string) (*tls.Config, error) {
	cfg := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("mail: certificates to trust: %w", err)
	}
	if cfg.RootCAs, err = x509.SystemCertPool(); err != nil {
		cfg.RootCAs = x509.NewCertPool()
	}
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("mail: %s holds no certificate", caFile)
	}
	return cfg, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
