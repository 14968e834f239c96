package e2e

import (
	"strings"

	"golang.org/x/net/html"

	"sluice/templates/pagetest"
)

// Outside plays an agreement with a licensee outside the EEA, from recording to the first download, in which one statement
// is not confirmed.
func (s *Story) Outside() {
	s.country = "Australia"
	s.Found(madeCohort(s.t))
	s.AddRepresentative()
	s.Record()
	s.Answer()
	s.Sign()
	s.Receive()
	s.wantOpen("under the licence for outside the EEA")
	s.Audit()
	s.Stop()
	s.Audit()
}

const explanation = "Our law gives the authorities no such power over universities."

// Answer has the signatory answer the statements, all but one with yes, and two of the desk accept what was explained.
func (s *Story) Answer() {
	s.wantNobodySigns("before the statements are answered")
	s.karl.Get(agreement+"/confirmations").Want(200, "")
	var answers []string
	first := ""
	for n := range pagetest.First(s.karl.Root(), "main").Descendants() {
		if name := pagetest.Attr(n, "name"); n.Type == html.ElementNode && strings.HasPrefix(name, "answer.") && pagetest.Attr(n, "value") == "confirmed" {
			answer := "confirmed"
			if first == "" {
				first, answer = strings.TrimPrefix(name, "answer."), "not-confirmed"
			}
			answers = append(answers, name, answer)
		}
	}
	if len(answers) < 4 {
		s.t.Fatalf("the page asks for %q, want several statements:\n%s", answers, s.karl.Text())
	}
	s.karl.Send("/confirmations", answers...)
	if s.karl.Status != 422 {
		s.t.Errorf("a no without an explanation: got %d, want 422", s.karl.Status)
	}
	s.karl.Press("/confirmations", append(answers, "explanation."+first, explanation)...)
	s.wantNobodySigns("while one statement is not confirmed")

	s.Mail.Wait(s.t, s.noor.Email, "DR-0001-A")
	s.noor.Back()
	s.noor.Get("/")
	judge := s.noor.Link(request + "/accept-answers")
	s.noor.Get(judge).Want(200, "")
	if !s.noor.Has(explanation) {
		s.t.Errorf("the desk judges without reading the explanation:\n%s", s.noor.Text())
	}
	s.noor.Press("/accept-answers", "reason", "Counsel agrees")
	if form, _ := s.noor.Get(request + "/second").formAt("/second"); form != nil {
		s.t.Error("who proposed to accept is asked to confirm it")
	}
	s.wantNobodySigns("while one person has accepted the explanation")
	s.daan.Back()
	s.daan.Get(request+"/second").Press("/second", "reason", "I read it too")
}

func (s *Story) wantNobodySigns(when string) {
	s.t.Helper()
	for _, p := range []*Person{s.lena, s.karl, s.willem} {
		p.Back()
		if form, _ := p.Get(agreement + "/sign").formAt("/sign"); form != nil {
			s.t.Errorf("%s %s can sign", when, p.Name)
		}
	}
}
