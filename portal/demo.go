package portal

import (
	"context"
	"sync"
	"time"

	"sluice/infra/account"
	"sluice/infra/mail"
)

// Demo is what demo mode adds: people anybody may be, their codes, and the mail they get.
type Demo struct {
	// People lists the demo people, in the order of the story, in the words of a language.
	People func(ctx context.Context, lang string) ([]DemoPerson, error)
	// Code is the code that a person's app shows at a time.
	Code func(person account.PersonID, at time.Time) (string, error)
	// Mail is where mail goes instead of being sent.
	Mail *mail.Box
}

// A DemoPerson is somebody to sign in as with one click.
type DemoPerson struct {
	ID              account.PersonID
	Name            string
	Email, Password string
	Role            string // "Signatory of UMC Voorbeeld"
	Waits           string // what waits for this person; may be empty
}

// demoSessions remembers the session of each demo person, so that changing from one to another and back needs no new code.
type demoSessions struct {
	mu      sync.Mutex
	cookies map[account.PersonID]string
}

func (s *Server) demoRoutes() {}
