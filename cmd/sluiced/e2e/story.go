package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A Story is one agreement with everybody in it. Its acts are no helpers of the test: a failure names the line of the act,
// and the message who did it on which page.
type Story struct {
	*Site
	t *testing.T

	noor, daan, willem     *Person // the desk, twice, and who signs for the foundation
	lena, karl, mia, jonas *Person // applicant, signatory and contacts of the licensee
	country                string  // of the licensee
	cohorts                []cohort
	until                  time.Time // the last day of the term
	delivery               string    // its page
	folders                []string  // of the datasets in the delivery
}

// The numbers of the first request and agreement of a database.
const (
	request   = "/requests/DR-0001"
	agreement = "/agreements/DR-0001-A"
)

// Begin makes a site with everybody who will come to it.
func Begin(t *testing.T, s *Site) *Story {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	return &Story{Site: s, t: t, country: "Germany", until: s.clock.Now().In(zone).AddDate(0, 0, 100),
		noor: s.Person("Noor Bakker", "noor@proefdata.example"), daan: s.Person("Daan Visser", "daan@proefdata.example"),
		willem: s.Person("Willem Smit", "willem@proefdata.example"),
		lena:   s.Person("Lena Vogel", "lena@musterstadt.example"), karl: s.Person("Karl Brandt", "karl@musterstadt.example"),
		mia: s.Person("Mia Schulz", "mia@musterstadt.example"), jonas: s.Person("Jonas Weber", "jonas@musterstadt.example"),
	}
}

// Found sets the site up: its database, the first two of staff, a collection, the data; then it starts.
func (s *Story) Found(cohorts ...cohort) {
	s.Do("config", "check")
	s.Do("migrate")
	s.Do("migrate") // twice does no harm
	s.Do("account", "bootstrap", "--staff", s.noor.Name+" <"+s.noor.Email+">", "--staff", s.daan.Name+" <"+s.daan.Email+">")
	s.Do("collection", "add", "CPCT", "--title-en", "A cohort made for a test", "--title-nl", "Een cohort voor een test")
	s.cohorts = cohorts
	for i, c := range cohorts {
		c.importInto(s.Site, "CPCT", setName(i))
	}
	s.Start()
	s.noor.Join()
	s.daan.Join()
}

func setName(i int) string { return fmt.Sprintf("WGS 2026-%02d", i+1) }

// AddRepresentative has two of staff add the one who signs for the foundation.
func (s *Story) AddRepresentative() {
	s.noor.Get("/staff/new").Press("", "name", s.willem.Name, "email", s.willem.Email, "lang", "nl", "roles", "representative", "note", "Contract seen")
	s.daan.Get("/staff")
	task := s.daan.Link("/staff/tasks/")
	s.daan.Get(task).Press(task, "decision", "confirm", "note", "Contract seen")
	s.willem.Join()
}

// Record has the desk record a request that was approved elsewhere, and a second person approve it.
func (s *Story) Record() {
	n := s.noor.Get("/requests/new")
	fields := []string{"lang", "en", "title", "Signatures of resistance", "purpose", "We look for signatures.\n\nWe publish whatever we find.",
		"licensee.name", "Klinikum Musterstadt", "licensee.address", "Marktplatz 1\nMusterstadt", "licensee.country", n.Option("licensee.country", s.country),
		"reached.0.country", n.Option("reached.0.country", s.country), "licensee.domains", "musterstadt.example",
		"applicant.name", s.lena.Name, "applicant.position", "Head of group", "applicant.email", s.lena.Email,
		"signatory.name", s.karl.Name, "signatory.position", "Managing director", "signatory.email", s.karl.Email,
		"representative", n.Option("representative", s.willem.Name), "representative.position", "Director",
		"contacts.0.name", s.mia.Name, "contacts.0.position", "Bioinformatician", "contacts.0.email", s.mia.Email, "contacts.0.country", n.Option("contacts.0.country", s.country),
	}
	for i := range s.cohorts {
		list := fmt.Sprintf("datasets.%d.", i)
		fields = append(fields, list+"dataset", n.Option(list+"dataset", setName(i)), list+"need", "The plan uses every file.")
	}
	n.Press("", append(fields, day("until", s.until)...)...)
	n.Press("") // what was shown is recorded
	if n.Path != request {
		s.t.Fatalf("recording leads to %s, want %s:\n%s", n.Path, request, n.Text())
	}
	s.daan.Get(request).Get(request+"/approve").Press("/approve", "reason", "The board approved it")
	s.lena.Join()
	s.karl.Join()
}

// Sign has all three sign what is shown to each, and the delivery be prepared.
func (s *Story) Sign() {
	var shown []string
	for _, p := range []*Person{s.lena, s.karl, s.willem} {
		p.Back()
		p.Get(agreement).Want(200, "")
		p.Get(agreement+"/sign").Want(200, "")
		pdf := p.Link(agreement + "/versions/")
		shown = append(shown, pdf)
		p.Press("/sign", "name", p.Name, "authority", "yes")
		if p.Path != agreement+"/signed" {
			s.t.Fatalf("%s signed and is at %s:\n%s", p.Name, p.Path, p.Text())
		}
	}
	if shown[0] != shown[1] || shown[1] != shown[2] {
		s.t.Errorf("the three were shown different texts: %q", shown)
	}
	s.checkDocument(s.karl)
}

// checkDocument sees that page and PDF of what was signed can be read for good.
func (s *Story) checkDocument(p *Person) {
	p.Get(agreement)
	var pdf string
	for _, to := range p.Links() {
		if strings.HasPrefix(to, agreement+"/versions/") && strings.HasSuffix(to, ".pdf") {
			pdf = to
		}
	}
	if pdf == "" {
		s.t.Fatalf("no PDF on the page of the agreement: %q", p.Links())
	}
	if got := s.get(p, http.MethodGet, pdf); got.status != 200 || !strings.HasPrefix(string(got.body), "%PDF-") {
		s.t.Errorf("the PDF: got %d %.20q", got.status, got.body)
	}
	p.Get(strings.TrimSuffix(pdf, ".pdf")).Want(200, "")
}

// Receive has the contact come, and waits until the delivery is there.
func (s *Story) Receive() {
	s.mia.Join()
	s.mia.Get("/deliveries")
	s.delivery = s.mia.Link("/deliveries/")
	s.eventually("the delivery is not ready", func() bool {
		s.mia.Get(s.delivery).Want(200, "")
		return slices.ContainsFunc(s.mia.Links(), func(to string) bool { return strings.HasSuffix(to, "/archive") })
	})
}

// eventually asks again until something is so.
func (s *Story) eventually(otherwise string, so func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); !so(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatal(otherwise)
		}
	}
}

// Audit has the command line walk the log.
func (s *Story) Audit() {
	if out := s.Do("audit", "verify"); !strings.Contains(out, "The chain holds") {
		s.t.Errorf("audit verify says %s", out)
	}
}

// ChangeContacts has the signatory add one contact, who downloads, and remove him while he does.
func (s *Story) ChangeContacts() {
	s.karl.Back()
	k := s.karl.Get(agreement + "/contacts/add")
	k.Press("/contacts/add", "name", s.jonas.Name, "position", "Data manager", "email", s.jonas.Email, "country", k.Option("country", "Germany"))
	if !strings.HasPrefix(k.Path, agreement+"/amendments/") {
		s.t.Fatalf("adding a contact leads to %s:\n%s", k.Path, k.Text())
	}
	k.Get(agreement + "/contacts/confirm").Press("/confirm")
	s.jonas.Join()
	s.jonas.Get(s.delivery).Want(200, "")
	slow := s.open(s.jonas, largeFile)
	s.mia.Back()
	other := s.open(s.mia, largeFile)

	s.karl.Get(agreement + "/contacts")
	remove := ""
	for _, to := range s.karl.Links() {
		if strings.HasSuffix(to, "/remove") {
			if s.karl.Get(to); strings.Contains(s.karl.Title(), s.jonas.Name) {
				remove = to
				break
			}
			s.karl.Get(agreement + "/contacts")
		}
	}
	if remove == "" {
		s.t.Fatalf("no way to remove %s:\n%s", s.jonas.Name, s.karl.Text())
	}
	code := s.karl.Code() // waiting for one must not count
	began := time.Now()
	s.karl.Press(remove, "code", code)
	slow.wantCut("the contact was removed", began)
	other.wantWhole("another contact's download, while one is removed", s.file(largeFile))
	s.jonas.Get(s.delivery)
	if s.jonas.Status != 200 || s.offersFiles(s.jonas) {
		s.t.Errorf("a removed contact: got %d with files %v, want a page that says why", s.jonas.Status, s.offersFiles(s.jonas))
	}
	if got := s.fetch(s.jonas, largeFile); got.status != 410 {
		s.t.Errorf("a removed contact downloads: got %d, want 410", got.status)
	}
}

func (s *Story) offersFiles(p *Person) bool {
	return slices.ContainsFunc(p.Links(), func(to string) bool { return strings.Contains(to, "/files/") || strings.HasSuffix(to, "/archive") })
}

// Pause has two of the desk suspend and resume the agreement.
func (s *Story) Pause() {
	s.noor.Back()
	s.daan.Back()
	s.mia.Back()
	s.noor.Get(request+"/suspend").Press("/suspend", "reason", "A question about the purpose")
	running := s.open(s.mia, largeFile)
	s.daan.Get(request + "/second")
	code := s.daan.Code()
	began := time.Now()
	s.daan.Press("/second", "reason", "Agreed", "code", code)
	running.wantCut("the agreement was suspended", began)
	s.wantClosed("while the agreement is suspended", 403)
	s.resume()
}

func (s *Story) resume() {
	s.noor.Back()
	s.noor.Get(request+"/resume").Press("/resume", "reason", "The question was answered")
	s.daan.Back()
	s.daan.Get(request+"/second").Press("/second", "reason", "Agreed")
	s.wantOpen("after the agreement was resumed")
}

// Halt stops everything by the command line while Vault is sealed, and has the desk confirm and resume.
func (s *Story) Halt() {
	s.mia.Back()
	running := s.open(s.mia, largeFile)
	unseal := s.seal()
	began := time.Now()
	s.Do("stop", "DR-0001-A", "--reason", "A laptop was stolen")
	running.wantCut("the agreement was stopped on the command line", began)
	unseal()
	s.wantClosed("after an emergency stop", 403)
	s.daan.Back()
	s.daan.Get(request + "/confirm-stop").Press("/confirm-stop")
	s.resume()
}

func (s *Story) wantClosed(when string, status int) {
	s.t.Helper()
	s.mia.Back()
	if got := s.fetch(s.mia, largeFile); got.status != status || len(got.body) > 100_000 {
		s.t.Errorf("%s a download gets %d and %d bytes, want %d", when, got.status, len(got.body), status)
	}
	if s.mia.Get(s.delivery); s.mia.Status != 200 || s.offersFiles(s.mia) {
		s.t.Errorf("%s the page of the delivery: %d, with files: %v; want it without", when, s.mia.Status, s.offersFiles(s.mia))
	}
}

func (s *Story) wantOpen(when string) {
	s.t.Helper()
	s.mia.Back()
	s.fetch(s.mia, largeFile).want(when, 200, s.file(largeFile))
}

// Extend waits for the reminders, and has an extension asked for and decided.
func (s *Story) Extend() {
	for i, days := range []int{90, 30} {
		s.moveTo(s.end().AddDate(0, 0, -days).Add(time.Hour))
		s.eventually(fmt.Sprintf("no reminder %d days before the end", days), func() bool { return s.reminders() > i })
	}
	s.karl.Back()
	later := s.until.AddDate(0, 1, 0)
	s.karl.Get(agreement+"/extension").Press("/extension", append(day("until", later), "reason", "The measurements took longer")...)
	for _, p := range []*Person{s.noor, s.daan} {
		p.Back()
		p.Get(request)
		decide := p.Link(request + "/amendments/")
		p.Get(decide).Press(decide, "decision", "accept", "reason", "The purpose is the same")
	}
	first := s.end()
	s.until = later
	s.moveTo(first.Add(time.Hour))
	s.wantOpen("after the first end, when the term was extended")
	if got := s.reminders(); got != 2 {
		s.t.Errorf("the signatory got %d reminders of an end that was moved, want the two from before", got)
	}
}

// end is when the term ends.
func (s *Story) end() time.Time {
	return time.Date(s.until.Year(), s.until.Month(), s.until.Day()+1, 0, 0, 0, 0, s.until.Location())
}

// reminders is how many different reminders of the end the signatory got. The clock of the story leaps by days, past the
// lease of a letter that is being sent; such a letter comes twice, as it does when a worker dies.
func (s *Story) reminders() int {
	different := map[string]bool{}
	for _, l := range s.Mail.To(s.karl.Email) {
		if strings.Contains(l.Subject, "Access ends in") {
			different[l.Subject] = true
		}
	}
	return len(different)
}

// End lets the term end, and sees that nothing is left.
func (s *Story) End() {
	buckets := s.ofDelivery()
	if len(buckets) != 1 || !s.hasBucket(buckets[0]) {
		s.t.Fatalf("the store has the buckets %q for the delivery, want one", buckets)
	}
	var keys []string
	if s.keys != nil {
		if keys = s.keys(); len(keys) != 1 || s.keyStatus(keys[0]) != http.StatusOK {
			s.t.Fatalf("Vault has the keys %q for deliveries, want one", keys)
		}
	}
	end := s.end()
	s.clock.Until(end.Add(-10 * time.Minute))
	s.wantOpen("ten minutes before the end")
	running := s.open(s.mia, largeFile)
	began := time.Now()
	s.clock.Until(end)
	running.wantCut("the term ended", began)
	s.wantClosed("after the end", 410)
	s.karl.Back()
	s.moveTo(end.Add(25 * time.Hour))
	s.eventually("no certificate of what was deleted", func() bool {
		s.karl.Back()
		s.karl.Get(agreement)
		return slices.ContainsFunc(s.karl.Links(), func(to string) bool { return strings.HasPrefix(to, agreement+"/certificates/") })
	})
	s.karl.Get(s.karl.Link(agreement+"/certificates/")).Want(200, "")
	if left := s.ofDelivery(); len(left) > 0 || s.hasBucket(buckets[0]) {
		s.t.Errorf("after the end the store still has the buckets %q, and %s: %v", left, buckets[0], s.hasBucket(buckets[0]))
	}
	for _, key := range keys {
		if status := s.keyStatus(key); status != http.StatusNotFound || len(s.keys()) > 0 {
			s.t.Errorf("after the end Vault answers %d for the key, want 404, and lists %q", status, s.keys())
		}
	}
	s.karl.Get(agreement+"/destruction").Press("/destruction", append(day("destroyed_on", s.clock.Now().In(end.Location())), "statement", "yes")...)
	s.karl.Get(agreement).Want(200, "")
	s.noor.Back()
	s.noor.Get(request).Want(200, "")
}

// ofDelivery are the buckets of the delivery that the store has.
func (s *Story) ofDelivery() []string {
	return slices.DeleteFunc(s.buckets(), func(name string) bool { return !strings.HasPrefix(name, "dr-0001-a-1-") })
}

// moveTo moves the clock, with stops on the way so that what was due before is done before.
func (s *Story) moveTo(at time.Time) {
	s.t.Helper()
	for at.Sub(s.clock.Now()) > 24*time.Hour {
		s.clock.Until(s.clock.Now().Add(24 * time.Hour))
		time.Sleep(20 * time.Millisecond)
	}
	s.clock.Until(at)
}

// Whole plays everything, from the first command to the certificate.
func (s *Story) Whole() {
	s.Found(s.cohortsThere()...)
	s.AddRepresentative()
	s.Record()
	s.Sign()
	s.Receive()
	s.Save()
	s.Download()
	s.DownloadWithToken()
	s.KeepAccount()
	s.LoseBoth()
	s.ChangeContacts()
	s.Pause()
	s.Halt()
	s.Extend()
	s.Audit()
	s.End()
	s.Audit()
	s.Stop()
	s.Audit()
}

// cohortsThere are the cohort that the test makes, and the one beside the project where that is.
func (s *Story) cohortsThere() []cohort {
	all := []cohort{madeCohort(s.t)}
	if shared, ok := sharedCohort(s.t); ok {
		all = append(all, shared)
	}
	return all
}
