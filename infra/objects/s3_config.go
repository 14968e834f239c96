package objects

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"
)

// Secret is text that shows itself nowhere: printed, logged or encoded it is "(set)" or "".
type Secret string

func (s Secret) hidden() string {
	if s == "" {
		return ""
	}
	return "(set)"
}

// String hides the secret.
func (s Secret) String() string { return s.hidden() }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.hidden()) }

// Format hides the secret from every verb, %x and %q included.
func (s Secret) Format(f fmt.State, verb rune) { fmt.Fprint(f, s.hidden()) }

// LogValue hides the secret from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.hidden()) }

// MarshalText hides the secret from JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.hidden()), nil }

// Config says where an S3 store is and how to speak to it. The zero value of every field but the first three is good.
type Config struct {
	// Endpoint is the store's address: https://host[:port], or http:// on loopback or a private network. Over http
	// bodies are still sealed, but whoever listens sees sizes and bucket names, and could replace bodies (which is
	// noticed when they are opened).
	Endpoint string
	// AccessKey and SecretKey may list, read, write and delete in the buckets under Prefix, and make and remove them.
	AccessKey string
	SecretKey Secret
	// Region is sent where the store asks for one. Default: us-east-1, which MinIO and most others take.
	Region string
	// Prefix goes before every bucket's name, for a store shared with others, such as "sluice-". Bucket names are 63
	// letters at most, prefix included. Changing it later loses sight of what is stored.
	Prefix string
	// CAFile holds PEM certificates to trust beside the system's, for a store with a certificate of the house.
	CAFile string
	// HostStyle puts the bucket's name into the host name, as AWS prefers. Default: into the path, which every
	// store takes and which needs no DNS entries.
	HostStyle bool
	// ConnectTimeout bounds making a connection. Default 10 s.
	ConnectTimeout time.Duration
	// AnswerTimeout bounds the wait for the first byte of an answer. It must leave the store time to copy CopyPart
	// bytes from disk to disk. Default 5 minutes.
	AnswerTimeout time.Duration
	// Attempts is how often a request is sent before a passing fault is reported. Default 5, over some three seconds.
	Attempts int
	// PartSize is the size of the parts that larger bodies are put in, and above which they are; 5 MiB at least (the
	// last part may be smaller). It grows for bodies over 10,000 parts. Default 16 MiB.
	PartSize int64
	// CopyPart is likewise for copies on the store's side; at most 5 GiB, S3's limit for one request. Default 1 GiB,
	// so that no single request takes minutes.
	CopyPart int64
	// Uploads is how many parts of one body travel at once. Default 4.
	Uploads int
	// Memory bounds the bytes that all Puts together hold while they travel. A part larger than this still goes, alone.
	// Default 256 MiB.
	Memory int64
}

// S3's own limits, the same at AWS, MinIO and versitygw.
const (
	minPart  = 5 << 20
	maxPart  = 5 << 30
	maxParts = 10_000
	maxSize  = 5 << 40
)

// String is the configuration without its secret.
func (c Config) String() string {
	return fmt.Sprintf("S3 at %s, access key %s, region %s, prefix %q", c.Endpoint, c.AccessKey, c.Region, c.Prefix)
}

// GoString is String: %#v shall not show the secret either.
func (c Config) GoString() string { return c.String() }

func (c Config) withDefaults() Config {
	c.Region = or(c.Region, "us-east-1")
	c.ConnectTimeout = or(c.ConnectTimeout, 10*time.Second)
	c.AnswerTimeout = or(c.AnswerTimeout, 5*time.Minute)
	c.Attempts = or(c.Attempts, 5)
	c.PartSize = or(c.PartSize, 16<<20)
	c.CopyPart = or(c.CopyPart, 1<<30)
	c.Uploads = or(c.Uploads, 4)
	c.Memory = or(c.Memory, 256<<20)
	return c
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

var prefixPattern = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{0,31})?$`)

// Check names everything that is wrong with the configuration at once.
func (c Config) Check() error {
	c = c.withDefaults()
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("store: "+format, args...))
		}
	}
	u, err := url.Parse(c.Endpoint)
	wrong(err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.Trim(u.Path, "/") != "" ||
		u.User != nil || u.RawQuery != "", "the endpoint must be https://host[:port] (or http://), without path, user or query")
	wrong(c.AccessKey == "", "the access key is missing")
	wrong(c.SecretKey == "", "the secret key is missing: put it in a file and name the file")
	wrong(!prefixPattern.MatchString(c.Prefix), "the prefix %q must be at most 32 lower-case letters, digits and hyphens", c.Prefix)
	wrong(c.PartSize < minPart || c.PartSize > maxPart, "the part size is %d bytes, must be from 5 MiB to 5 GiB", c.PartSize)
	wrong(c.CopyPart < minPart || c.CopyPart > maxPart, "the copy part is %d bytes, must be from 5 MiB to 5 GiB", c.CopyPart)
	wrong(c.Uploads < 1 || c.Uploads > 64, "uploads at once is %d, must be from 1 to 64", c.Uploads)
	wrong(c.Attempts < 1, "attempts is %d, must be 1 or more", c.Attempts)
	wrong(c.Memory < 0, "memory is %d, must not be negative", c.Memory)
	wrong(c.ConnectTimeout < 0 || c.AnswerTimeout < 0, "time limits must not be negative")
	if c.CAFile != "" {
		_, err := c.trusted()
		wrong(err != nil, "certificates to trust: %v", err)
	}
	return errors.Join(errs...)
}

// trusted is the system's certificates and the configured ones.
func (c Config) trusted() (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, err
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, err
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", c.CAFile)
	}
	return pool, nil
}

// transport carries the requests. Bodies are large and many travel at once, hence the buffers and the idle connections.
func (c Config) transport() (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: c.ConnectTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   c.ConnectTimeout,
		ResponseHeaderTimeout: c.AnswerTimeout,
		ExpectContinueTimeout: c.ConnectTimeout,
		IdleConnTimeout:       time.Minute,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   128,
		ReadBufferSize:        128 << 10,
		WriteBufferSize:       128 << 10,
		DisableCompression:    true, // what is sealed does not compress, and a Range must mean stored bytes
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if c.CAFile != "" {
		pool, err := c.trusted()
		if err != nil {
			return nil, fmt.Errorf("certificates to trust: %w", err)
		}
		t.TLSClientConfig.RootCAs = pool
	}
	return t, nil
}

// cleanUpTime bounds what is tidied after a call was cancelled, which its context no longer allows.
const cleanUpTime = 30 * time.Second

func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
}
