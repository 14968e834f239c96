package e2e

import "testing"

// The binary that is shipped reads the real clock, so this is the part of the story that happens on one day. The whole of
// it, months included, is played by cmd/sluiced itself.
func TestADayWithTheBinaryThatIsShipped(t *testing.T) {
	t.Parallel()
	s := Begin(t, Embedded(t, Build(t), Real{}))
	s.Found(madeCohort(t))
	s.AddRepresentative()
	s.Record()
	s.Sign()
	s.Receive()
	s.Download()
	s.DownloadWithToken()
	s.Halt()
	s.Audit()
	s.Stop()
	s.Audit()
}
