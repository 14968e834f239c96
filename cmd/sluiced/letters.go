package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/mail"
	"sluice/licensing"
	"sluice/portal"
	"sluice/templates"
	mailtext "sluice/templates/mail"
)

// A sender takes composed messages: SMTP, or the box that the demo shows on a page.
type sender interface {
	Send(ctx context.Context, m mail.Message) error
}

// noticePrefix goes before the kinds of notices of package account, as licensing.Outbox.Notice posts them.
const noticePrefix = "account."

// A letterText says with which text a kind of letter goes out.
type letterText struct {
	text mailtext.Kind
	// calendar attaches the end of the term, to replace what the reader's calendar has.
	calendar bool
	// page is where the mail leads instead of the letter's own page, for readers who cannot open that one.
	page string
}

// letterTexts maps what licensing, delivery and account post to the texts there are. A test holds it against them.
var letterTexts = map[string]letterText{
	"party.invited":             {text: mailtext.Invitation},
	"contact.invited":           {text: mailtext.Invitation},
	"party.successor-invited":   {text: mailtext.SuccessorInvited},
	"party.to-second":           {text: mailtext.SecondPersonNeeded},
	"party.replaced":            {text: mailtext.PartyReplaced, page: "/agreements"}, // the agreement is not the reader's any more
	"party.changed":             {text: mailtext.PartyChanged},
	"request.to-approve":        {text: mailtext.SecondPersonNeeded},
	"agreement.sign":            {text: mailtext.SignInvitation},
	"agreement.revised":         {text: mailtext.AgreementChanged},
	"agreement.to-release":      {text: mailtext.SecondPersonNeeded},
	"agreement.to-judge":        {text: mailtext.AnswersToJudge},
	"agreement.to-second":       {text: mailtext.SecondPersonNeeded},
	"agreement.stopped":         {text: mailtext.StopToConfirm},
	"agreement.jurisdiction":    {text: mailtext.JurisdictionToAnswer},
	"agreement.declined":        {text: mailtext.SignatureDeclined},
	"agreement.declined-desk":   {text: mailtext.SignatureDeclinedDesk},
	"paper.to-confirm":          {text: mailtext.SecondPersonNeeded},
	"paper.receipt":             {text: mailtext.PaperReceipt},
	"paper.sent-back":           {text: mailtext.PaperSentBack},
	"paper.void":                {text: mailtext.PaperVoided},
	"agreement.in-force":        {text: mailtext.AgreementInForce, calendar: true},
	"agreement.suspended":       {text: mailtext.Suspended},
	"agreement.resumed":         {text: mailtext.Resumed},
	"agreement.key-destroyed":   {text: mailtext.KeyDestroyed},
	"agreement.ending":          {text: mailtext.ReminderEnd, calendar: true},
	"agreement.ended":           {text: mailtext.AccessEnded},
	"agreement.attest":          {text: mailtext.AttestationDue},
	"agreement.terminated":      {text: mailtext.Terminated, calendar: true},
	"agreement.dropped":         {text: mailtext.AgreementDropped},
	"agreement.closed-out":      {text: mailtext.AgreementClosedOut},
	"agreement.closed-out-desk": {text: mailtext.ClosedOutDesk},
	"contact.asked-receipt":     {text: mailtext.ContactAddedReceipt},
	"contact.accepted":          {text: mailtext.ContactAccepted},
	"contact.declined":          {text: mailtext.ContactDeclined},
	"contact.to-decide":         {text: mailtext.ContactToDecide},
	"contact.removed":           {text: mailtext.ContactRemoved},
	"contact.removed-receipt":   {text: mailtext.ContactRemovedReceipt},
	"contact.suspended":         {text: mailtext.ContactSuspended},
	"contact.resumed":           {text: mailtext.ContactResumed},
	"contacts.confirm":          {text: mailtext.ContactsConfirm},
	"extension.asked-receipt":   {text: mailtext.ExtensionRequested},
	"extension.to-decide":       {text: mailtext.ExtensionToDecide},
	"extension.to-second":       {text: mailtext.SecondPersonNeeded},
	"extension.granted":         {text: mailtext.ExtensionGranted, calendar: true},
	"extension.declined":        {text: mailtext.ExtensionRefused},
	"data-ready":                {text: mailtext.DataReady},
	"data-ready-desk":           {text: mailtext.DataReadyDesk},
	"delivery.bucket-end":       {text: mailtext.BucketEnd},
	"work.parked":               {text: mailtext.WorkParked},
	"account.invitation":        {text: mailtext.Invitation},
	"account.reset":             {text: mailtext.PasswordReset},
	"account.enrol":             {text: mailtext.AccountEnrol},
	"account.enrol_anew":        {text: mailtext.AccountEnrolAnew},
	"account.factors_voided":    {text: mailtext.FactorsVoid},
	"account.signed_in_new":     {text: mailtext.NewDevice},
	"account.password_changed":  {text: mailtext.FactorChanged},
	"account.factor_enrolled":   {text: mailtext.FactorChanged},
	"account.factor_removed":    {text: mailtext.FactorChanged},
	"account.factor_lost":       {text: mailtext.FactorLost},
	"account.recovery_used":     {text: mailtext.FactorChanged},
	"account.recovery_renewed":  {text: mailtext.FactorChanged},
	"account.name_changed":      {text: mailtext.NameChanged},
	"account.address_added":     {text: mailtext.AddressAdded},
	"account.second_needed":     {text: mailtext.SecondPersonNeeded},
	"account.account_disabled":  {text: mailtext.AccountDisabled, page: templates.PrivacyPath}, // the one page left to the reader
}

// knownTexts are the texts that go out instead of an invitation, by part, to somebody who had an account when he was
// named: there is none to set up.
var knownTexts = map[licensing.Part]mailtext.Kind{
	licensing.Applicant:   mailtext.InvitedApplicant,
	licensing.Signatory:   mailtext.InvitedSignatory,
	licensing.ContactPart: mailtext.InvitedContact,
}

// letters composes what stands in the outbox and hands it to the mail server. It runs outside every change.
type letters struct {
	cfg      Config
	db       *db.DB
	accounts *account.Accounts
	registry *licensing.Registry
	texts    *mailtext.Composer
	out      sender // nil: nothing is sent
}

// send is the licensing.Sender of this program.
func (s *letters) send(ctx context.Context, l licensing.Letter) error {
	text, known := letterTexts[l.Kind]
	if !known {
		return fmt.Errorf("there is no text for letters of kind %q", l.Kind)
	}
	if s.out == nil {
		return nil
	}
	m, err := s.compose(ctx, l, text)
	if err != nil {
		return fmt.Errorf("composing %s: %w", l.Kind, err)
	}
	err = s.out.Send(ctx, m)
	if err != nil && !errors.Is(err, mail.ErrRefused) {
		return db.Waiting(err) // the server is away; letters wait for it as long as it takes
	}
	return err
}

func (s *letters) compose(ctx context.Context, l licensing.Letter, text letterText) (mail.Message, error) {
	var b background
	var link string
	err := s.db.View(ctx, func(tx *db.Tx) (err error) {
		if b, err = s.look(tx, l); err != nil {
			return err
		}
		if b.known != "" {
			l, text = b.toKnown(l)
		}
		link, err = s.link(tx, l, text)
		return err
	})
	if err != nil {
		return mail.Message{}, err
	}
	parts, data, err := s.fill(l, text, b, link)
	if err != nil {
		return mail.Message{}, err
	}
	m := mail.Message{ID: l.ID, To: mail.Address{Name: l.To.Name, Address: l.To.Email}, Lang: l.To.Lang, Subject: parts.Subject,
		Text: parts.Text, HTML: parts.HTML, Thread: data.Number, At: l.Created}
	if text.calendar && !b.agreement.Term.IsZero() {
		entry, err := s.texts.Calendar(b.termEnd(l, link))
		if err != nil {
			return m, err
		}
		m.Attachments = []mail.Attachment{{Name: strings.ToLower(b.agreement.Number) + ".ics", Data: entry}}
	}
	return m, nil
}

func (s *letters) fill(l licensing.Letter, text letterText, b background, link string) (mailtext.Parts, mailtext.Data, error) {
	data := b.data(l, s.cfg.Zone, s.registry.Settings())
	data.Link = link
	parts, err := s.texts.Compose(text.text, l.To.Lang, data)
	return parts, data, err
}

// words puts a letter into words for the portal, where no secret may be seen: a letter with a one-use link leads to the
// first page instead.
func (s *letters) words(l licensing.Letter) (mailtext.Parts, error) {
	text, known := letterTexts[l.Kind]
	if !known {
		return mailtext.Parts{}, fmt.Errorf("there is no text for letters of kind %q", l.Kind)
	}
	var b background
	err := s.db.View(context.Background(), func(tx *db.Tx) (err error) {
		b, err = s.look(tx, l)
		return err
	})
	if err != nil {
		return mailtext.Parts{}, err
	}
	link := strings.TrimSuffix(s.cfg.BaseURL, "/")
	if b.known != "" {
		l, text = b.toKnown(l)
	}
	if l.Invitation == "" {
		link += cmp.Or(text.page, l.Link)
	} else {
		link += "/"
	}
	parts, _, err := s.fill(l, text, b, link)
	return parts, err
}

// The paths of the pages behind one-use links.
var linkPaths = map[string]string{
	noticePrefix + account.NoticeReset:     portal.ResetPath,
	noticePrefix + account.NoticeEnrol:     portal.EnrolmentPath,
	noticePrefix + account.NoticeEnrolAnew: portal.EnrolmentPath,
}

// link is the address of the one page a letter leads to. A secret in it is made here, for this message, and kept nowhere.
func (s *letters) link(tx *db.Tx, l licensing.Letter, text letterText) (string, error) {
	base := strings.TrimSuffix(s.cfg.BaseURL, "/")
	if l.Invitation == "" {
		return base + cmp.Or(text.page, l.Link), nil
	}
	secret, err := s.accounts.Link(tx, l.Invitation)
	if err != nil {
		return "", err
	}
	path := linkPaths[l.Kind]
	if path == "" {
		path = portal.InvitationPath
	}
	return base + path + secret, nil
}

// A background is what a letter is about, as it is at the time of sending.
type background struct {
	agreement  licensing.Agreement
	request    licensing.Request
	person     string // of whom the letter speaks
	invitation account.Invitation
	known      mailtext.Kind // of an invitation to somebody who had an account when he was named; "" of any other letter
	owner      account.Person
}

// toKnown makes of an invitation the letter to somebody who has an account. It holds no secret, and leads to the page on
// which he accepts while signed in.
func (b background) toKnown(l licensing.Letter) (licensing.Letter, letterText) {
	l.Link, l.Invitation, l.To.Lang = portal.OwnInvitation(b.invitation.ID), "", b.owner.Lang
	return l, letterText{text: b.known}
}

// look reads what a letter is about. A letter about an account is about nothing more, save who asks for a second person.
func (s *letters) look(tx *db.Tx, l licensing.Letter) (b background, err error) {
	if l.Invitation != "" && linkPaths[l.Kind] == "" {
		if b.invitation, err = s.accounts.Invitation(tx, l.Invitation); err != nil {
			return b, err
		}
		if err = s.lookKnown(tx, l, &b); err != nil {
			return b, err
		}
	}
	if l.Number == "" {
		if id := l.Facts["proposer"]; id != "" {
			b.person, err = s.nameOf(tx, account.PersonID(id))
		}
		return b, err
	}
	if b.request, err = s.registry.RequestNumbered(tx, requestNumber(l.Number)); err != nil {
		return b, err
	}
	if number := agreementNumber(l.Number); number != "" {
		if b.agreement, err = s.registry.AgreementNumbered(tx, number); err != nil {
			return b, err
		}
	}
	b.person, err = s.about(tx, l, b)
	return b, err
}

// lookKnown finds out whether an invitation goes to somebody who had an account, with this address, when it was posted.
func (s *letters) lookKnown(tx *db.Tx, l licensing.Letter, b *background) error {
	offer, err := s.registry.Offered(tx, b.invitation)
	if errors.Is(err, licensing.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	owner, found, err := s.accounts.ByEmail(tx, b.invitation.Email)
	if err != nil || !found {
		return err
	}
	emails, err := s.accounts.Emails(tx, owner.ID)
	for _, e := range emails {
		if e.Address == b.invitation.Email && e.Verified.Before(l.Created) {
			b.known, b.owner = knownTexts[offer.Part], owner
		}
	}
	return err
}

// requestNumber and agreementNumber read DR-0042, DR-0042-A and DR-0042-A-1; the latter is "" in the first.
func requestNumber(number string) string {
	return strings.Join(strings.SplitN(number, "-", 4)[:min(2, strings.Count(number, "-")+1)], "-")
}

func agreementNumber(number string) string {
	parts := strings.Split(number, "-")
	if len(parts) < 3 {
		return ""
	}
	return strings.Join(parts[:3], "-")
}

// about names the person a letter speaks of: a contact, or whoever asked for something.
func (s *letters) about(tx *db.Tx, l licensing.Letter, b background) (string, error) {
	if name := l.Facts["contact"]; name != "" && l.Kind != "contact.to-decide" {
		return name, nil
	}
	if name := l.Facts["by"]; name != "" {
		return name, nil
	}
	a := b.agreement
	var id account.PersonID
	switch l.Kind {
	case "request.to-approve":
		if n := len(b.request.Editors); n > 0 {
			id = b.request.Editors[n-1]
		}
	case "agreement.to-release":
		id = a.Editor
	case "party.to-second":
		for _, m := range a.Amendments {
			if m.Type == licensing.ChangeParty {
				id = m.By // of the last one: no two wait at once
			}
		}
	case "agreement.to-second":
		id = a.Proposal.By
	case "paper.to-confirm", "paper.sent-back":
		if n := len(a.Papers); n > 0 && l.Kind == "paper.to-confirm" {
			id = a.Papers[n-1].By
		} else if n > 0 {
			id = a.Papers[n-1].Decider
		}
	case "agreement.to-judge", "contact.to-decide":
		return a.Party(licensing.Signatory).Name, nil
	case "extension.asked-receipt", "extension.to-decide", "extension.to-second":
		id = lastAsked(a, l.Kind == "extension.to-second")
	}
	if id == "" {
		return "Sluice", nil // nobody asked: it noticed by itself, or the host's command line did it
	}
	return s.nameOf(tx, id)
}

// nameOf is what a person is called now, if he was not erased.
func (s *letters) nameOf(tx *db.Tx, id account.PersonID) (string, error) {
	p, err := s.accounts.Person(tx, id)
	if err != nil || p.Name == "" {
		return "Sluice", err
	}
	return p.Name, nil
}

// lastAsked is who asked for the last extension, or who agreed to it first.
func lastAsked(a licensing.Agreement, first bool) account.PersonID {
	for i := len(a.Amendments) - 1; i >= 0; i-- {
		m := a.Amendments[i]
		if m.Type != licensing.Extension {
			continue
		}
		if first && len(m.Decisions) > 0 {
			return m.Decisions[0].By
		}
		return m.By
	}
	return ""
}

// data is what a text may say.
func (b background) data(l licensing.Letter, zone string, settings licensing.Settings) mailtext.Data {
	a := b.agreement
	d := mailtext.Data{Reader: l.To.Name, Number: b.request.Number, Agreement: a.Number, Person: b.person, When: l.Created, Zone: zone,
		By: a.Term.Until}
	if a.Zone != "" {
		d.Zone = a.Zone
	}
	if d.Reader == "" {
		d.Reader = l.To.Email
	}
	d.Days, _ = strconv.Atoi(l.Facts["days"])
	d.Part = l.Facts["part"]
	after := func(days int) time.Time { return l.Created.AddDate(0, 0, max(days, 1)) }
	switch l.Kind {
	case "party.invited", "party.successor-invited", "contact.invited", noticePrefix + account.NoticeInvitation:
		d.By = b.invitation.Expires
	case noticePrefix + account.NoticeReset:
		d.By = l.Created.Add(account.ResetLife)
	case noticePrefix + account.NoticeEnrol, noticePrefix + account.NoticeEnrolAnew:
		d.By = l.Created.Add(account.EnrolLife)
	case noticePrefix + account.NoticeVoided:
		d.By = l.Created.Add(account.AskWithin)
	case "agreement.sign", "agreement.revised":
		d.By = after(settings.SignDays)
	case "agreement.ended":
		d.When, d.By = a.Term.Until, after(a.Durations.AttestEvery)
	case "agreement.attest", "agreement.terminated":
		d.By = after(a.Durations.AttestEvery)
	case "request.to-approve":
		d.By = after(settings.ApproveDays)
	case "agreement.in-force":
		d.When = a.Term.From
	case "delivery.bucket-end":
		d.By, _ = time.Parse(time.RFC3339, l.Facts["at"]) // otherwise the day below
	case "agreement.jurisdiction":
		d.By = a.Concern.Due
	case "agreement.to-release", "agreement.to-judge", "agreement.declined-desk", "agreement.to-second", "party.to-second", "paper.to-confirm", "agreement.stopped", "contact.to-decide", "extension.to-second":
		d.By = after(settings.JudgeDays)
	}
	if d.By.IsZero() {
		d.By = after(settings.JudgeDays)
	}
	return d
}

// termEnd is the calendar entry of an agreement.
func (b background) termEnd(l licensing.Letter, link string) mailtext.TermEnd {
	a := b.agreement
	e := mailtext.TermEnd{ID: string(a.ID), Number: b.request.Number, Agreement: a.Number, Lang: l.To.Lang, Until: a.Term.Until, Zone: a.Zone,
		Link: link, Cancelled: a.State == licensing.Terminated, At: l.Created}
	for _, m := range a.Amendments {
		if m.Type == licensing.Extension && m.State == licensing.Effective {
			e.Sequence++
		}
	}
	if e.Cancelled {
		e.Sequence++
	}
	return e
}
