package e2e

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// A Letter is a mail as it arrived.
type Letter struct {
	To, Subject, Text string
}

// A Mailbox is a mail server that keeps everything it gets.
type Mailbox struct {
	Address string

	mu      sync.Mutex
	letters []Letter
}

// Mail starts a mail server on loopback.
func Mail(t testing.TB) *Mailbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &Mailbox{Address: l.Addr().String()}
	server := smtp.NewServer(m)
	server.Domain = "localhost"
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	return m
}

// NewSession answers one client of the mail server.
func (m *Mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: m}, nil }

type mailSession struct {
	box *Mailbox
	to  string
}

func (s *mailSession) Reset()                                    { s.to = "" }
func (s *mailSession) Logout() error                             { return nil }
func (s *mailSession) Mail(string, *smtp.MailOptions) error      { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error { s.to = to; return nil }

func (s *mailSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	text, err := plainText(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, Letter{To: s.to, Subject: subject, Text: strings.ReplaceAll(text, "\r\n", "\n")})
	return nil
}

// plainText is the first plain text of a message, whatever it is wrapped in.
func plainText(kind, encoding string, body io.Reader) (string, error) {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(media, "multipart/") {
		if media != "text/plain" {
			return "", nil
		}
		if strings.EqualFold(encoding, "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		b, err := io.ReadAll(body)
		return string(b), err
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextPart() // this undoes quoted-printable by itself
		if err != nil {
			return "", err
		}
		if text, err := plainText(part.Header.Get("Content-Type"), "", part); text != "" || err != nil {
			return text, err
		}
	}
}

// To are the letters that somebody has got, the first first.
func (m *Mailbox) To(address string) []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.letters), func(l Letter) bool { return !strings.EqualFold(l.To, address) })
}

// Wait waits until the letters to an address are as many as that, or one of them says the words, and returns it.
func (m *Mailbox) Wait(t testing.TB, address, words string) Letter {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		letters := m.To(address)
		for _, l := range slices.Backward(letters) {
			if strings.Contains(l.Subject+"\n"+l.Text, words) {
				return l
			}
		}
		if time.Now().After(end) {
			t.Fatalf("no letter to %s says %q; it got %d: %q", address, words, len(letters), letters)
		}
	}
}
