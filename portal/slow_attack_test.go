package portal

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A body that was announced and does not come holds a connection for as long as somebody waits for it, also on the many
// routes that read none. The server's patience is shortened here; it is not made up.
func TestABodyThatNeverComesHoldsNoConnection(t *testing.T) {
	s := newWorldWithoutPeople(t)
	server := HTTPServer("", s.Handler())
	server.ReadTimeout /= 1000
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	for _, head := range []string{
		"GET /healthz", "GET /static/none", "GET /deliveries/x/archive", "GET /sign-in", "POST /account/password", "POST /nowhere",
		"POST /nowhere HTTP/1.1\r\nExpect: 100-continue",
	} {
		t.Run(strings.ReplaceAll(head, "\r\n", " "), func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			line, more, _ := strings.Cut(head, " HTTP/1.1\r\n")
			if more != "" {
				more += "\r\n"
			}
			if _, err := conn.Write([]byte(line + " HTTP/1.1\r\nHost: localhost\r\n" + more + "Content-Length: 100\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			in := bufio.NewReader(conn)
			for {
				if _, err := in.ReadByte(); err != nil {
					if wait, ok := err.(net.Error); ok && wait.Timeout() {
						t.Error("the server still waits after 20 s of a patience of less than one")
					}
					return
				}
			}
		})
	}
}

// The patience is for what a client sends. An answer may take as long as it takes.
func TestAnAnswerMayTakeLongerThanARequest(t *testing.T) {
	var patience time.Duration
	server := httptest.NewUnstartedServer(nil)
	server.Config = HTTPServer("", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 10 {
			time.Sleep(patience / 2)
			if r.Context().Err() != nil {
				return
			}
			io.WriteString(w, "more ")
			http.NewResponseController(w).Flush()
		}
	}))
	server.Config.ReadTimeout /= 1000
	patience = server.Config.ReadTimeout
	server.Start()
	t.Cleanup(server.Close)
	answer, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if got, err := io.ReadAll(answer.Body); err != nil || len(got) != 50 {
		t.Errorf("got %d bytes and %v, want 50", len(got), err)
	}
}
