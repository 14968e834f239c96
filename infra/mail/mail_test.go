package mail

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	smtpd "github.com/emersion/go-smtp"
)

// server is a mail server on loopback that keeps what it accepted.
type server struct {
	addr   string
	caFile string

	mu       sync.Mutex
	raw      []string
	envelope [][2]string // sender and reader
	touched  int         // commands after the greeting that belong to a message
	rcptErr  error
	dataErr  error
	password string // asked for when set
}

type session struct {
	s        *server
	from, to string
	signedIn bool
}

func (c *session) Reset()        {}
func (c *session) Logout() error { return nil }
func (c *session) AuthMechanisms() []string {
	if c.s.password == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "sluice" || password != c.s.password {
			return smtpd.ErrAuthFailed
		}
		c.signedIn = true
		return nil
	}), nil
}

func (c *session) Mail(from string, _ *smtpd.MailOptions) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.touched++
	if c.s.password != "" && !c.signedIn {
		return smtpd.ErrAuthRequired
	}
	c.from = from
	return nil
}

func (c *session) Rcpt(to string, _ *smtpd.RcptOptions) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.to += to
	return c.s.rcptErr
}

func (c *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.dataErr != nil {
		return c.s.dataErr
	}
	c.s.raw = append(c.s.raw, string(b))
	c.s.envelope = append(c.s.envelope, [2]string{c.from, c.to})
	return nil
}

// serve starts a server; security says what it offers, not what is asked of it.
func serve(t *testing.T, security Security) *server {
	t.Helper()
	s := &server{}
	cert, caFile := certificate(t)
	s.caFile = caFile
	d := smtpd.NewServer(smtpd.BackendFunc(func(*smtpd.Conn) (smtpd.Session, error) { return &session{s: s}, nil }))
	d.Domain, d.AllowInsecureAuth = "localhost", true
	d.ErrorLog = quiet{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	switch security {
	case StartTLS:
		d.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
	case Implicit:
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}})
	}
	s.addr = l.Addr().String()
	go func() { _ = d.Serve(l) }()
	t.Cleanup(func() { _ = d.Close() })
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

func (s *server) config() Config {
	return Config{Server: s.addr, CAFile: s.caFile, From: Address{"Sluice at Voorbeelddata", "sluice@example.org"},
		ReplyTo: Address{"Data access desk", "dataaccess@example.org"}, Timeout: 10 * time.Second}
}

func sender(t *testing.T, cfg Config) *SMTP {
	t.Helper()
	s, err := NewSMTP(cfg)
	if err != nil {
		t.Fatalf("NewSMTP: %v", err)
	}
	return s
}

func message() Message {
	return Message{ID: "JOB1-abc", To: Address{"Seán O'Neil", "s.oneil@example.edu"}, Lang: "en", Thread: "DR-0042",
		Subject: "[DR-0042] Agreement ready to sign", Text: "Dear Seán,\n\nplease sign.\n", HTML: "<p>Dear Seán</p>",
		At: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)}
}

func TestAMailHasOneSenderOneReaderAndBothTexts(t *testing.T) {
	for _, security := range []Security{StartTLS, Implicit, Plain} {
		t.Run(string(security), func(t *testing.T) {
			s := serve(t, security)
			cfg := s.config()
			cfg.Security = security
			m := message()
			m.Attachments = []Attachment{{"dr-0042-a.ics", []byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")}}
			if err := sender(t, cfg).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			got := s.only(t)
			for name, want := range map[string]string{
				"From": `"Sluice at Voorbeelddata" <sluice@example.org>`, "Reply-To": `"Data access desk" <dataaccess@example.org>`,
				"Subject": "[DR-0042] Agreement ready to sign", "Message-Id": "<JOB1-abc@example.org>", "Auto-Submitted": "auto-generated",
				"References": "<thread-dr-0042@example.org>", "In-Reply-To": "<thread-dr-0042@example.org>",
				"Content-Language": "en", "Date": "Fri, 20 Nov 2026 09:30:00 +0000"} {
				if values := got.Header[name]; len(values) != 1 || values[0] != want {
					t.Errorf("%s is %q, want one, %q", name, values, want)
				}
			}
			to, err := got.Header.AddressList("To")
			if err != nil || len(to) != 1 || to[0].Name != "Seán O'Neil" || to[0].Address != "s.oneil@example.edu" {
				t.Errorf("To is %v (%v), want Seán O'Neil alone", to, err)
			}
			if s.envelope[0] != [2]string{"sluice@example.org", "s.oneil@example.edu"} {
				t.Errorf("envelope %v", s.envelope[0])
			}
			if got.Header.Get("X-Mailer") != "" || got.Header.Get("User-Agent") != "" {
				t.Error("the mail names the library that made it")
			}
			if kinds := strings.Join(parts(t, got.Header.Get("Content-Type"), got.Body), " "); kinds != "text/plain text/html text/calendar" {
				t.Errorf("parts are %s", kinds)
			}
		})
	}
}

func TestNamesAndSubjectsCannotAddHeaders(t *testing.T) {
	s := serve(t, StartTLS)
	smtp := sender(t, s.config())
	for _, hostile := range []string{"A\r\nBcc: evil@example.net", "A\nTo: evil@example.net\n\nbody", "A\x00B", "A\rB", "A\u2028Bcc: x@y.example",
		`"evil@example.net" <evil@example.net>, B`, `A\" <evil@example.net>`, "=?utf-8?q?A=0D=0ABcc:_evil@example.net?=", "\u202egro.live"} {
		s.raw, s.envelope = nil, nil
		m := message()
		m.To.Name, m.Subject = hostile, "[DR-0042] "+hostile
		if err := smtp.Send(t.Context(), m); err != nil {
			t.Fatalf("%q: %v", hostile, err)
		}
		got := s.only(t)
		if s.envelope[0][1] != m.To.Address {
			t.Errorf("%q: sent to %q", hostile, s.envelope[0][1])
		}
		to, err := got.Header.AddressList("To")
		if err != nil || len(to) != 1 || to[0].Address != m.To.Address {
			t.Errorf("%q: To is %v (%v)", hostile, to, err)
		}
		if len(got.Header["From"]) != 1 || len(got.Header["Bcc"])+len(got.Header["Cc"]) != 0 || len(got.Header["Subject"]) != 1 {
			t.Errorf("%q added headers: %v", hostile, got.Header)
		}
		head, _, _ := strings.Cut(s.raw[0], "\r\n\r\n")
		if strings.ContainsAny(strings.ReplaceAll(head, "\r\n", ""), "\r\n\x00") {
			t.Errorf("%q: a line end or NUL stands in the headers: %q", hostile, head)
		}
	}
}

func TestAnAddressThatIsNotPlainIsRefused(t *testing.T) {
	s := serve(t, StartTLS)
	smtp := sender(t, s.config())
	for _, bad := range []string{"", "a", "a@", "@b.example", "a@b", "a b@c.example", `"a b"@c.example`, "a@b.example, c@d.example", "a@b.example c@d.example",
		"<a@b.example>", "a@b.example\r\nRCPT TO:<c@d.example>", "a@b.example\x00", "a@@b.example", "a@b@c.example", "a..b@c.example", ".a@c.example", "a@c.example.",
		"a@-c.example", "a@[127.0.0.1]", "a@bücher.example", "ä@b.example", "a(comment)@b.example", "a@b.example(comment)", "a;b@c.example", "a@b.example>",
		strings.Repeat("a", 65) + "@b.example", "a@" + strings.Repeat("b", 64) + ".example", "a@" + strings.Repeat("bbbbbbbbb.", 26) + "example"} {
		m := message()
		m.To.Address = bad
		if err := smtp.Send(t.Context(), m); !errors.Is(err, ErrRefused) {
			t.Errorf("Send to %q = %v, want ErrRefused", bad, err)
		}
	}
	for _, good := range []string{"a@b.example", "first.last+tag@sub.b-c.example", "o'neil@b.example", "x_y-z@1.example"} {
		if err := CheckAddress(good); err != nil {
			t.Errorf("CheckAddress(%q) = %v", good, err)
		}
	}
	if s.touched != 0 {
		t.Errorf("the server heard of %d of them", s.touched)
	}
}

func TestNothingIsSentWhenSTARTTLSIsMissingOrUntrusted(t *testing.T) {
	stripped := serve(t, Plain)
	cfg := stripped.config()
	cfg.User, cfg.PasswordFile = "sluice", secret(t, "s3cret")
	stripped.password = "s3cret"
	err := sender(t, cfg).Send(t.Context(), message())
	if err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("with STARTTLS stripped: %v, want an error that may pass", err)
	}
	untrusted := serve(t, StartTLS)
	cfg = untrusted.config()
	cfg.CAFile = ""
	if err := sender(t, cfg).Send(t.Context(), message()); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("with a certificate nobody vouches for: %v, want an error that may pass", err)
	}
	if stripped.touched != 0 || untrusted.touched != 0 {
		t.Error("a message was begun without TLS")
	}
}

func TestErrorsTellPermanentFromPassing(t *testing.T) {
	for name, c := range map[string]struct {
		rcpt, data error
		refused    bool
	}{
		"no such mailbox":     {&smtpd.SMTPError{Code: 550, Message: "no such user s.oneil@example.edu"}, nil, true},
		"mailbox busy":        {&smtpd.SMTPError{Code: 450, Message: "try later"}, nil, false},
		"content turned down": {nil, &smtpd.SMTPError{Code: 554, Message: "spam"}, true},
		"disk full":           {nil, &smtpd.SMTPError{Code: 452, Message: "disk full"}, false},
		"sign in first":       {&smtpd.SMTPError{Code: 530, Message: "authentication required"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, StartTLS)
			s.rcptErr, s.dataErr = c.rcpt, c.data
			err := sender(t, s.config()).Send(t.Context(), message())
			if err == nil || errors.Is(err, ErrRefused) != c.refused {
				t.Errorf("got %v, want refused %v", err, c.refused)
			}
			if err != nil && strings.Contains(err.Error(), "s.oneil") {
				t.Errorf("the error holds the reader's address: %v", err)
			}
		})
	}
	s := serve(t, StartTLS)
	cfg := s.config()
	cfg.Server = "127.0.0.1:1"
	if err := sender(t, cfg).Send(t.Context(), message()); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("with nobody listening: %v, want an error that may pass", err)
	}
}

func TestThePasswordComesFromItsFile(t *testing.T) {
	s := serve(t, StartTLS)
	s.password = "new"
	cfg := s.config()
	cfg.User, cfg.PasswordFile = "sluice", secret(t, "old\n")
	smtp := sender(t, cfg)
	err := smtp.Send(t.Context(), message())
	if err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "old") {
		t.Errorf("with the wrong password: %v, want an error that may pass and does not show it", err)
	}
	if err := os.WriteFile(cfg.PasswordFile, []byte("new\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := smtp.Send(t.Context(), message()); err != nil {
		t.Errorf("after the file changed: %v", err)
	}
}

func TestACallTriesTLSAndTheSignInAndSendsNothing(t *testing.T) {
	s := serve(t, StartTLS)
	s.password = "right"
	cfg := s.config()
	cfg.User, cfg.PasswordFile = "sluice", secret(t, "wrong")
	if err := sender(t, cfg).Call(t.Context()); err == nil || strings.Contains(err.Error(), "wrong\n") {
		t.Errorf("with the wrong password: got %v, want an error", err)
	}
	cfg.PasswordFile = secret(t, "right")
	if err := sender(t, cfg).Call(t.Context()); err != nil {
		t.Errorf("with the right password: %v", err)
	}
	cfg.CAFile = ""
	if err := sender(t, cfg).Call(t.Context()); err == nil {
		t.Error("with a certificate nobody vouches for: got no error")
	}
	cfg = serve(t, Plain).config()
	if err := sender(t, cfg).Call(t.Context()); err == nil {
		t.Error("with STARTTLS stripped: got no error")
	}
	if s.touched != 0 {
		t.Error("a message was begun")
	}
}

func TestAServerThatSaysNothingIsGivenUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := &server{addr: l.Addr().String()}
	cfg := s.config()
	cfg.Timeout = 100 * time.Millisecond
	if err := sender(t, cfg).Send(t.Context(), message()); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("got %v, want an error that may pass", err)
	}
}

func TestEveryMistakeInTheConfigurationIsNamed(t *testing.T) {
	_, err := NewSMTP(Config{Server: "mail.example.org", Security: "ssl", From: Address{"", "x"}, ReplyTo: Address{"", ""}, User: "u", PasswordFile: "/nowhere", CAFile: "/nowhere"})
	for _, want := range []string{"host:port", `security "ssl"`, "from:", "reply to:", "password of user", "certificates"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to name %q", err, want)
		}
	}
	cfg := (&server{addr: "mail.example.org:25"}).config()
	cfg.Security, cfg.User, cfg.PasswordFile = Plain, "u", secret(t, "p")
	_, err = NewSMTP(cfg)
	if err == nil || !strings.Contains(err.Error(), "loopback") || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("plain to another host: %v, want it refused", err)
	}
}

func TestAMessageThatMayNotLeaveIsRefusedEverywhere(t *testing.T) {
	s := serve(t, StartTLS)
	for name, send := range map[string]func(context.Context, Message) error{
		"smtp": sender(t, s.config()).Send, "box": NewBox(3).Send, "recorder": new(Recorder).Send} {
		for what, change := range map[string]func(*Message){
			"no subject":   func(m *Message) { m.Subject = "\r\n" },
			"no text":      func(m *Message) { m.Text = " " },
			"no id":        func(m *Message) { m.ID = "" },
			"an id of two": func(m *Message) { m.ID = "a>\r\nBcc: <b" },
			"thread":       func(m *Message) { m.Thread = "x> <y" },
			"no date":      func(m *Message) { m.At = time.Time{} },
			"two readers":  func(m *Message) { m.To.Address = "a@b.example,c@d.example" },
			"a data file":  func(m *Message) { m.Attachments = []Attachment{{"cohort.vcf", nil}} },
			"a path":       func(m *Message) { m.Attachments = []Attachment{{"../a.ics", nil}} },
		} {
			m := message()
			change(&m)
			if err := send(t.Context(), m); !errors.Is(err, ErrRefused) {
				t.Errorf("%s: %s: got %v, want ErrRefused", name, what, err)
			}
		}
	}
}

func TestTheBoxKeepsTheNewest(t *testing.T) {
	box := NewBox(20)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			m := message()
			m.ID = fmt.Sprintf("m%d", i)
			if err := box.Send(t.Context(), m); err != nil {
				t.Error(err)
			}
			box.Messages()
		})
	}
	wg.Wait()
	last := message()
	last.ID = "last"
	if err := box.Send(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if got := box.Messages(); len(got) != 20 || got[0].ID != "last" {
		t.Errorf("the box holds %d, newest %s; want 20 and last", len(got), got[0].ID)
	}
}

func TestTheRecorderFailsWhenAskedTo(t *testing.T) {
	var r Recorder
	passing := errors.New("away")
	r.Fail(passing)
	if err := r.Send(t.Context(), message()); !errors.Is(err, passing) {
		t.Errorf("got %v, want the failure asked for", err)
	}
	if err := r.Send(t.Context(), message()); err != nil {
		t.Error(err)
	}
	if n, other := len(r.To("s.oneil@example.edu")), len(r.To("x@example.edu")); n != 1 || other != 0 {
		t.Errorf("recorded %d and %d, want 1 and 0", n, other)
	}
}

func secret(t *testing.T, password string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// only parses the one message the server accepted.
func (s *server) only(t *testing.T) *netmail.Message {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.raw) != 1 {
		t.Fatalf("the server accepted %d messages, want 1", len(s.raw))
	}
	m, err := netmail.ReadMessage(strings.NewReader(s.raw[0]))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// parts lists the types of a message's leaves.
func parts(t *testing.T, contentType string, body io.Reader) []string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("content type %q: %v", contentType, err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		return []string{kind}
	}
	var all []string
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parts(t, p.Header.Get("Content-Type"), bytes.NewReader(b))...)
	}
}
