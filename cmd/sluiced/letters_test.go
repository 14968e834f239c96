package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	mailtext "sluice/templates/mail"
)

// postedElsewhere are the kinds that packages beside licensing post.
func postedElsewhere(t *testing.T) []string {
	t.Helper()
	kinds := []string{"data-ready", "data-ready-desk", "delivery.bucket-end"}
	// The notices of package account are its constants that begin with Notice.
	files, err := filepath.Glob("../../infra/account/*.go")
	must(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		must(t, err)
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if ok && strings.HasPrefix(v.Names[0].Name, "Notice") && len(v.Values) == 1 {
				kind, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				must(t, err)
				kinds = append(kinds, noticePrefix+kind)
			}
			return true
		})
	}
	if len(kinds) < 5 {
		t.Fatalf("found %d kinds of notices, want all", len(kinds))
	}
	return kinds
}

func TestEveryLetterHasATextAndEveryTextALetter(t *testing.T) {
	posted := append(licensing.LetterKinds(), postedElsewhere(t)...)
	for _, kind := range posted {
		if _, ok := letterTexts[kind]; !ok {
			t.Errorf("letters of kind %s are posted, and have no text", kind)
		}
	}
	used := map[mailtext.Kind]bool{}
	for kind, text := range letterTexts {
		used[text.text] = true
		if !slices.Contains(posted, kind) {
			t.Errorf("%s has a text, and nothing posts such letters", kind)
		}
	}
	for _, text := range knownTexts {
		used[text] = true
	}
	for _, kind := range mailtext.Kinds() {
		if !used[kind] {
			t.Errorf("no letter goes out with the text %s", kind)
		}
	}
}

// facts are what letters carry; no letter carries more.
var facts = map[string]string{"number": "DR-0002-A", "days": "30", "contact": "Mia Schulz", "until": "2027-12-31", "action": "suspend", "due": "2027-01-01",
	"part": "signatory", "from": "2026-01-01", "at": "2027-01-01T00:00:00Z"}

func TestEveryLetterComposesInBothLanguages(t *testing.T) {
	d := playDemo(t, t.TempDir())
	invitation, reset := linksOfTheDemo(t, d)
	proposer := staffOfTheDemo(t, d)
	for _, kind := range slices.Sorted(maps.Keys(letterTexts)) {
		for _, lang := range mailtext.Languages() {
			l := licensing.Letter{ID: "x", Kind: kind, To: licensing.Address{Email: "a@b.example", Name: "Anna", Lang: lang}, Number: "DR-0002-A",
				Link: "/agreements/x", Facts: facts, Created: time.Now()}
			switch {
			case kind == noticePrefix+account.NoticeReset, kind == noticePrefix+account.NoticeEnrol, kind == noticePrefix+account.NoticeEnrolAnew:
				l.Number, l.Invitation = "", reset
			case strings.HasSuffix(kind, "invited"), kind == noticePrefix+account.NoticeInvitation:
				l.Invitation = invitation
			case kind == noticePrefix+account.NoticeSecond:
				l.Number, l.Facts = "", map[string]string{"proposer": string(proposer)}
			case strings.HasPrefix(kind, noticePrefix), kind == "work.parked":
				l.Number = ""
			case kind == "request.to-approve":
				l.Number = "DR-0007"
			case strings.HasPrefix(kind, "data-ready"), kind == "delivery.bucket-end":
				l.Number = "DR-0002-A-1"
			}
			m, err := d.letters.compose(t.Context(), l, letterTexts[kind])
			if err != nil {
				t.Errorf("%s in %s: %v", kind, lang, err)
				continue
			}
			if !strings.Contains(m.Text, "http://127.0.0.1:8080/") || m.Subject == "" || (letterTexts[kind].calendar != (len(m.Attachments) == 1)) {
				t.Errorf("%s in %s: subject %q, %d attachments, text:\n%s", kind, lang, m.Subject, len(m.Attachments), m.Text)
			}
			if kind == noticePrefix+account.NoticeSecond && !strings.Contains(m.Text, d.cast[0].Name) {
				t.Errorf("%s in %s does not say who proposed it:\n%s", kind, lang, m.Text)
			}
			words, err := d.letters.words(l)
			if err != nil {
				t.Errorf("%s in %s for the inbox: %v", kind, lang, err)
			}
			if l.Invitation != "" && strings.Contains(words.Text, secretOf(t, d, l.Invitation)) {
				t.Errorf("%s in %s shows its one-use link in the inbox", kind, lang)
			}
		}
	}
}

func secretOf(t *testing.T, d *demo, id string) (secret string) {
	t.Helper()
	must(t, d.db.View(t.Context(), func(tx *db.Tx) (err error) { secret, err = d.accounts.Link(tx, id); return err }))
	return secret
}

func TestWhoHasAnAccountReadsAsWhatHeIsNamedAndGetsNoSecret(t *testing.T) {
	d := playDemo(t, t.TempDir())
	var letters []licensing.Letter
	must(t, d.db.View(t.Context(), func(tx *db.Tx) (err error) {
		letters, err = d.registry.Outbox().AllLetters(tx, 1000)
		return err
	}))
	words := map[string]map[string]string{
		"en": {"applicant": "main applicant of request DR-", "signatory": "signatory of the licensee for request DR-", "": "download contact for request DR-"},
		"nl": {"applicant": "hoofdaanvrager van aanvraag DR-", "signatory": "tekenbevoegde van de licentiehouder bij aanvraag DR-", "": "downloadcontact bij aanvraag DR-"},
	}
	seen := map[string]bool{}
	for _, l := range letters {
		if l.Kind != "party.invited" && l.Kind != "contact.invited" {
			continue
		}
		secret := secretOf(t, d, l.Invitation)
		late := l
		late.Created = clock()
		m, err := d.letters.compose(t.Context(), late, letterTexts[l.Kind])
		must(t, err)
		if !strings.Contains(m.Text, secret) { // the address is somebody's by now
			seen[m.Lang+l.Facts["part"]] = true
			if !strings.Contains(m.Text, words[m.Lang][l.Facts["part"]]) || !strings.Contains(m.Text, "/invitations/"+l.Invitation) {
				t.Errorf("to a %q with an account, in %s:\n%s", l.Facts["part"], m.Lang, m.Text)
			}
		}
		l.Created = time.Unix(1, 0)
		m, err = d.letters.compose(t.Context(), l, letterTexts[l.Kind])
		must(t, err)
		if !strings.Contains(m.Text, "/invitation/"+secret) {
			t.Errorf("to a %q who had no account then:\n%s", l.Facts["part"], m.Text)
		}
	}
	for part := range words["en"] {
		if !seen["en"+part] && !seen["nl"+part] {
			t.Errorf("the demo has no %q with an account: %v", part, seen)
		}
	}
}

// staffOfTheDemo is the first of the cast.
func staffOfTheDemo(t *testing.T, d *demo) account.PersonID {
	t.Helper()
	var p account.Person
	must(t, d.db.View(t.Context(), func(tx *db.Tx) (err error) {
		p, _, err = d.accounts.ByEmail(tx, d.cast[0].Email)
		return err
	}))
	if p.Name != d.cast[0].Name {
		t.Fatalf("the first of the cast is %q, want %q", p.Name, d.cast[0].Name)
	}
	return p.ID
}

// linksOfTheDemo are an invitation and a link for a new password.
func linksOfTheDemo(t *testing.T, d *demo) (invitation, reset string) {
	t.Helper()
	must(t, d.accounts.RequestReset(t.Context(), d.cast[0].Email, demoMeta))
	for {
		ran, err := d.db.WorkOnce(t.Context(), d.log, d.accounts.Handlers())
		must(t, err)
		if !ran {
			break
		}
	}
	must(t, d.db.View(t.Context(), func(tx *db.Tx) error {
		letters, err := d.registry.Outbox().AllLetters(tx, 1000)
		for _, l := range letters {
			switch l.Kind {
			case "party.invited":
				invitation = l.Invitation
			case noticePrefix + account.NoticeReset:
				reset = l.Invitation
			}
		}
		return err
	}))
	if invitation == "" || reset == "" {
		t.Fatalf("the demo has invitation %q and reset %q, want both", invitation, reset)
	}
	return invitation, reset
}

func TestAnInvitationIsMailedWithALinkThatWorksAndKeptWithout(t *testing.T) {
	d := playDemo(t, t.TempDir())
	found := false
	for _, m := range d.box.Messages() {
		if _, secret, ok := strings.Cut(m.Text, "/invitation/"); ok {
			found = true
			secret, _, _ = strings.Cut(secret, "\n")
			if _, _, err := d.accounts.LookInvitation(t.Context(), secret); err != nil {
				t.Errorf("the link in %q does not work: %v", m.Subject, err)
			}
			b, err := os.ReadFile(filepath.Join(d.folder, "sluice.db"))
			must(t, err)
			if strings.Contains(string(b), secret) {
				t.Error("the secret of a link stands in the database")
			}
			break
		}
	}
	if !found {
		t.Error("no mail of the demo holds an invitation")
	}
}

func TestNumbersAreTakenApart(t *testing.T) {
	for number, want := range map[string][2]string{"DR-0042": {"DR-0042", ""}, "DR-0042-A": {"DR-0042", "DR-0042-A"}, "DR-0042-A-1": {"DR-0042", "DR-0042-A"}, "": {"", ""}} {
		if got := [2]string{requestNumber(number), agreementNumber(number)}; got != want {
			t.Errorf("%q is taken apart as %q, want %q", number, got, want)
		}
	}
}

func TestWhoMaySecondAProposalIsLedToIt(t *testing.T) {
	d := playDemo(t, t.TempDir())
	n := account.Notice{Kind: account.NoticeSecond, Name: "Sanne", Email: "sanne@foundation.example", Lang: "nl", Task: "T1", By: staffOfTheDemo(t, d)}
	var posted licensing.Letter
	must(t, d.db.Upkeep(t.Context(), func(tx *db.Tx) error {
		if err := d.registry.Outbox().Notice(tx, n); err != nil {
			return err
		}
		letters, err := d.registry.Outbox().AllLetters(tx, 1000)
		for _, l := range letters {
			if l.Kind == noticePrefix+n.Kind && l.To.Email == n.Email {
				posted = l
			}
		}
		return err
	}))
	m, err := d.letters.compose(t.Context(), posted, letterTexts[posted.Kind])
	if err != nil || !strings.Contains(m.Text, "/staff/tasks/T1\n") || !strings.Contains(m.Text, d.cast[0].Name+" heeft op ") {
		t.Errorf("got %v and\n%s", err, m.Text)
	}
}
