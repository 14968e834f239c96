package portal

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
	"sluice/templates/mail"
)

// inbox lists the letters that were sent to the viewer, so that nobody depends on his mail.
func (s *Server) inbox(_ http.ResponseWriter, r *http.Request, v *visit) error {
	letters, err := s.letters(r, v)
	if err != nil {
		return err
	}
	table := templates.Table{Caption: templates.M("licensee.inbox-title"), QuietCaption: true, Columns: columns("licensee.letter-subject", "licensee.letter-to", "licensee.letter-at"),
		Empty: &templates.Empty{Title: templates.M("licensee.inbox-empty"), Body: templates.M("licensee.inbox-empty-body")}}
	for _, l := range letters {
		words, ok := s.letterWords(v, l)
		if !ok {
			continue
		}
		table.Rows = append(table.Rows, []templates.Part{templates.Link{Text: templates.Text(words.Subject), Href: "/inbox/" + l.ID}, templates.Text(l.To.Email), templates.Moment(l.Created)})
	}
	p := v.page(templates.M("licensee.inbox-title"))
	p.Wide = true
	return v.show("parts", pageOf(p, table))
}

// letters are those sent to the viewer's person or to one of his verified addresses, the newest first.
func (s *Server) letters(r *http.Request, v *visit) (all []licensing.Letter, err error) {
	if s.cfg.Texts.Letter == nil {
		return nil, licensing.ErrNotFound
	}
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		all = nil
		emails, err := s.cfg.Accounts.Emails(tx, v.Who.Person())
		if err != nil {
			return err
		}
		addresses := []string{""}
		for _, e := range emails {
			addresses = append(addresses, e.Address)
		}
		seen := map[string]bool{}
		for _, address := range addresses {
			found, err := s.cfg.Registry.Outbox().Letters(tx, v.Who.Person(), address)
			if err != nil {
				return err
			}
			for _, l := range found {
				if !seen[l.ID] {
					seen[l.ID] = true
					all = append(all, l)
				}
			}
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b licensing.Letter) int { return b.Created.Compare(a.Created) })
	return all, err
}

// letterWords puts a letter into the viewer's language. One without words is left out, and the log says which.
func (s *Server) letterWords(v *visit, l licensing.Letter) (mailtext.Parts, bool) {
	l.To.Lang = v.Lang
	words, err := s.cfg.Texts.Letter(l)
	if err != nil {
		s.log.Error("a letter has no words", "id", idOf(v.r), "kind", l.Kind, "error", err.Error())
	}
	return words, err == nil
}

// letterPage is one letter. Its link leads to the page it is about; what proved something in the mail is not in it.
func (s *Server) letterPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	letters, err := s.letters(r, v)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(letters, func(l licensing.Letter) bool { return l.ID == r.PathValue("letter") })
	if i < 0 {
		return licensing.ErrNotFound
	}
	words, ok := s.letterWords(v, letters[i])
	if !ok {
		return fmt.Errorf("letter %s has no words", letters[i].ID)
	}
	p := v.page(templates.Text(words.Subject))
	p.Section = templates.M("licensee.inbox-title")
	p.Back = &templates.Link{Text: templates.M("licensee.inbox-back"), Href: "/inbox"}
	blocks := []templates.Part{templates.SummaryList{Rows: []templates.SummaryRow{
		{Key: templates.M("licensee.letter-to"), Value: templates.Text(letters[i].To.Email)},
		{Key: templates.M("licensee.letter-at"), Value: templates.Moment(letters[i].Created)}}}}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(words.Text), "\n\n") {
		blocks = append(blocks, s.letterBlock(paragraph))
	}
	return v.show("parts", pageOf(p, blocks...))
}

// letterBlock is one paragraph. The line with the link becomes a button, and only if it leads to a page of this site.
func (s *Server) letterBlock(words string) templates.Part {
	label, link, found := strings.Cut(words, ":\n")
	if path, ours := strings.CutPrefix(link, s.base.String()); found && ours && (path == "" || strings.HasPrefix(path, "/")) {
		return templates.Actions{templates.Button{Text: templates.Text(label), Href: back(path)}}
	}
	return paragraph(templates.Text(strings.TrimSpace(strings.TrimPrefix(words, "-- \n"))))
}
