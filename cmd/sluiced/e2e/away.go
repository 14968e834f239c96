package e2e

import (
	"net/http"
	"strings"
	"time"

	"sluice/infra/servers"
)

// StopWithoutDatabase plays an emergency stop while the database is away.
func (s *Story) StopWithoutDatabase(database *servers.Cluster) {
	s.Found(madeCohort(s.t))
	s.AddRepresentative()
	s.Record()
	s.Sign()
	s.Receive()
	s.wantOpen("before the stop")

	database.Stop()
	if got := s.first(); got != http.StatusServiceUnavailable {
		s.t.Errorf("without a database a download gets %d, want 503", got)
	}
	if out := s.Do("stop", "DR-0001-A", "--reason", "A laptop was stolen"); !strings.Contains(out, "is stopped on this host") {
		s.t.Errorf("stop says %s", out)
	}
	time.Sleep(time.Second) // the other processes of the host have read the journal by then
	started := make(chan error, 1)
	go func() { started <- database.Start(s.t.Context()) }()
	// From its first answer on.
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		got := s.first()
		if got == http.StatusForbidden {
			break
		}
		if got < 400 || time.Now().After(end) {
			s.t.Fatalf("when the database comes back a download gets %d, want 403", got)
		}
	}
	if err := <-started; err != nil {
		s.t.Fatal(err)
	}
	s.noor.Back()
	s.eventually("the stop does not enter the log by itself", func() bool { return s.noor.Get(request).Has("A laptop was stolen") })
	s.wantClosed("after the stop entered the log", http.StatusForbidden)
	s.Audit()
	s.daan.Back()
	s.daan.Get(request + "/confirm-stop").Press("/confirm-stop")
	s.resume()
	s.Audit()
}

// first is the status that the contact gets for the first byte of a file.
func (s *Story) first() int {
	s.t.Helper()
	return s.fetch(s.mia, largeFile, "Range", "bytes=0-0").status
}
