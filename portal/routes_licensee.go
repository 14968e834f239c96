package portal

import (
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
	"sluice/templates/mail"
)

// Texts are words that stand elsewhere in this program and are shown to licensees and contacts.
type Texts struct {
	// Letter puts a letter of the outbox into words, for the inbox. Where the mail has a link that proves something, the
	// words have the address of the start page.
	Letter func(licensing.Letter) (mailtext.Parts, error)
	// Calendar writes the calendar entry for the end of a term.
	Calendar func(mailtext.TermEnd) ([]byte, error)
}

// licenseeRoutes are the pages of applicants, signatories, representatives and contacts. Who has no part in an agreement
// is told that it is not there, by every one of them.
func (s *Server) licenseeRoutes() {
	s.signedIn("GET /agreements", s.agreementList)
	s.signedIn("GET /agreements/{number}", s.agreementPage)
	s.signedIn("GET /agreements/{number}/versions/{file}", s.versionPage)
	s.signedIn("GET /agreements/{number}/documents/{file}", s.documentPage)
	s.signedIn("GET /agreements/{number}/certificates/{file}", s.certificatePage)
	s.signedIn("GET /agreements/{number}/end.ics", s.calendarFile)

	s.signedIn("GET /agreements/{number}/confirmations", s.confirmationsPage)
	s.signedIn("POST /agreements/{number}/confirmations", s.answerConfirmations)
	s.signedIn("GET /agreements/{number}/sign", s.signPage)
	s.signedIn("POST /agreements/{number}/sign", s.sign)
	s.signedIn("GET /agreements/{number}/signed", s.signedPage)
	s.signedIn("GET /agreements/{number}/decline", s.declinePage)
	s.signedIn("POST /agreements/{number}/decline", s.decline)

	s.signedIn("GET /agreements/{number}/contacts", s.contactsPage)
	s.signedIn("GET /agreements/{number}/contacts/add", s.addContactPage)
	s.signedIn("POST /agreements/{number}/contacts/add", s.addContact)
	s.signedIn("GET /agreements/{number}/contacts/confirm", s.confirmListPage)
	s.signedIn("POST /agreements/{number}/contacts/confirm", s.confirmList)
	s.signedIn("GET /agreements/{number}/contacts/{contact}/remove", s.removeContactPage)
	s.signedIn("POST /agreements/{number}/contacts/{contact}/remove", s.removeContact)
	s.signedIn("GET /agreements/{number}/amendments/{n}", s.amendmentPage)
	s.signedIn("GET /agreements/{number}/amendments/{n}/withdraw", s.withdrawPage)
	s.signedIn("POST /agreements/{number}/amendments/{n}/withdraw", s.withdraw)
	s.signedIn("GET /agreements/{number}/part", s.takePartPage)
	s.signedIn("POST /agreements/{number}/part", s.takePart)
	s.signedIn("GET /agreements/{number}/extension", s.extensionPage)
	s.signedIn("POST /agreements/{number}/extension", s.askExtension)
	s.signedIn("GET /agreements/{number}/destruction", s.destructionPage)
	s.signedIn("POST /agreements/{number}/destruction", s.attestDestruction)

	s.signedIn("GET /deliveries", s.deliveryList)
	s.signedIn("GET /deliveries/{id}", s.deliveryPage)
	s.signedIn("GET /deliveries/{id}/tokens", s.tokensPage)
	s.signedIn("POST /deliveries/{id}/tokens", s.makeToken)
	s.signedIn("POST /deliveries/{id}/tokens/{token}/revoke", s.revokeToken)
	s.reader("GET /deliveries/{id}/files/{path...}", s.download).streams()
	s.reader("GET /deliveries/{id}/archive", s.downloadAll).streams()

	s.signedIn("GET /inbox", s.inbox)
	s.signedIn("GET /inbox/{letter}", s.letterPage)
}

// licenseeTasks is what waits for somebody with a part in a request.
func (s *Server) licenseeTasks(v *visit) ([]group, error) {
	var tasks []licensing.Task
	err := s.cfg.DB.View(v.r.Context(), func(tx *db.Tx) (err error) {
		tasks, err = s.cfg.Registry.TasksOf(tx, v.Who)
		return err
	})
	if err != nil {
		return nil, err
	}
	agreements := group{Title: templates.M("licensee.tasks")}
	for _, t := range tasks {
		if task, ok := s.licenseeTask(t); ok {
			agreements.Tasks = append(agreements.Tasks, task)
		}
	}
	data, err := s.deliveryTasks(v)
	return []group{agreements, data}, err
}

// licenseeTask is the line on the first page for one task of a party. The desk's own tasks stand elsewhere.
func (s *Server) licenseeTask(t licensing.Task) (templates.Task, bool) {
	path := agreementPath(t.Number)
	page, status := "", templates.ToDo
	switch t.Kind {
	case licensing.TaskSign:
		page = "/sign"
	case licensing.TaskAnswer:
		page = "/confirmations"
	case licensing.TaskAttest:
		page = "/destruction"
	case licensing.TaskList:
		page = "/contacts/confirm"
	case licensing.TaskTakePart:
		page = "/part"
	case licensing.TaskEnding:
		page, status = "", templates.Optional
	default:
		return templates.Task{}, false
	}
	if t.Overdue {
		status = templates.Overdue
	}
	return templates.Task{Title: templates.M("licensee.task-"+string(t.Kind), "Number", t.Number), Href: path + page,
		Hint: templates.Text(t.Title), Status: status, Due: t.Due}, true
}

// licenseeNav is the part of the navigation that people with a part in a request see.
func (s *Server) licenseeNav(v *visit) []navItem {
	var party, contact bool
	err := s.cfg.DB.View(v.r.Context(), func(tx *db.Tx) (err error) {
		party, contact, err = s.cfg.Registry.TakesPart(tx, v.Who.Person())
		return err
	})
	if err != nil {
		s.log.Error("looking for the parts of a person", "id", idOf(v.r), "error", err.Error())
		return nil
	}
	var items []navItem
	if party || contact {
		items = append(items, navItem{Text: templates.M("licensee.nav"), Href: "/agreements"})
	}
	if contact {
		items = append(items, navItem{Text: templates.M("contact.nav"), Href: "/deliveries"})
	}
	return append(items, navItem{Text: templates.M("licensee.inbox-nav"), Href: "/inbox"})
}
