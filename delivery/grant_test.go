package delivery_test

import (
	"testing"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/licensing"
)

// allowing is an Access that is allowed at noon.
func allowing() delivery.Access {
	return delivery.Access{
		Person:  "P",
		Factor:  account.Factor{Enrolled: noon.Add(-time.Hour)},
		Contact: licensing.Contact{ID: "C", Agreement: "A", Person: "P", Added: noon.Add(-2 * time.Hour)},
		Grant:   delivery.Grant{ID: "G", Contact: "C", Delivery: "D", Created: noon.Add(-2 * time.Hour)},
		Agreement: licensing.Agreement{ID: "A", State: licensing.InForce,
			Term: licensing.Term{From: noon.Add(-24 * time.Hour), Until: noon.Add(24 * time.Hour)}},
		Delivery: delivery.Delivery{ID: "D", Agreement: "A", State: delivery.Available},
	}
}

func TestOneSpoiledFactKeepsTheReaderOut(t *testing.T) {
	wantErr(t, "when all is well", delivery.MayRead(allowing(), noon), nil)
	for name, c := range map[string]struct {
		spoil func(*delivery.Access)
		want  error
	}{
		"nobody asks":                    {func(a *delivery.Access) { a.Person = "" }, delivery.ErrNotGranted},
		"nobody is nobody's contact":     {func(a *delivery.Access) { a.Person, a.Contact.Person = "", "" }, delivery.ErrNotGranted},
		"another person's contact":       {func(a *delivery.Access) { a.Contact.Person = "Q" }, delivery.ErrNotGranted},
		"no contact":                     {func(a *delivery.Access) { a.Contact.ID, a.Grant.Contact = "", "" }, delivery.ErrNotGranted},
		"another contact's grant":        {func(a *delivery.Access) { a.Grant.Contact = "X" }, delivery.ErrNotGranted},
		"no grant":                       {func(a *delivery.Access) { a.Grant.ID = "" }, delivery.ErrNotGranted},
		"another delivery's grant":       {func(a *delivery.Access) { a.Grant.Delivery = "X" }, delivery.ErrNotGranted},
		"no delivery":                    {func(a *delivery.Access) { a.Delivery.ID, a.Grant.Delivery = "", "" }, delivery.ErrNotGranted},
		"another agreement's delivery":   {func(a *delivery.Access) { a.Delivery.Agreement = "X" }, delivery.ErrNotGranted},
		"another agreement's contact":    {func(a *delivery.Access) { a.Contact.Agreement = "X" }, delivery.ErrNotGranted},
		"no agreement":                   {func(a *delivery.Access) { a.Agreement.ID, a.Delivery.Agreement, a.Contact.Agreement = "", "", "" }, delivery.ErrNotGranted},
		"a contact nobody has admitted":  {func(a *delivery.Access) { a.Contact.Added = time.Time{} }, delivery.ErrNotGranted},
		"a removed grant":                {func(a *delivery.Access) { a.Grant.Removed = noon }, delivery.ErrGrantRemoved},
		"a removed contact":              {func(a *delivery.Access) { a.Contact.Removed = noon }, delivery.ErrGrantRemoved},
		"a suspended contact":            {func(a *delivery.Access) { a.Contact.Suspended = true }, delivery.ErrGrantHeld},
		"a lost factor":                  {func(a *delivery.Access) { a.Factor.Held = true }, delivery.ErrFactorHeld},
		"no factor":                      {func(a *delivery.Access) { a.Factor.Enrolled = time.Time{} }, delivery.ErrNoFactor},
		"a drafted agreement":            {func(a *delivery.Access) { a.Agreement.State = licensing.Drafted }, licensing.ErrNotSigned},
		"an agreement being signed":      {func(a *delivery.Access) { a.Agreement.State = licensing.Signing }, licensing.ErrNotSigned},
		"a suspended agreement":          {func(a *delivery.Access) { a.Agreement.State = licensing.Suspended }, licensing.ErrSuspended},
		"an agreement that was stopped":  {func(a *delivery.Access) { a.Agreement.Halted = true }, licensing.ErrSuspended},
		"an ended agreement":             {func(a *delivery.Access) { a.Agreement.State = licensing.Ended }, licensing.ErrEnded},
		"a closed agreement":             {func(a *delivery.Access) { a.Agreement.State = licensing.ClosedOut }, licensing.ErrEnded},
		"a terminated agreement":         {func(a *delivery.Access) { a.Agreement.State = licensing.Terminated }, licensing.ErrTerminated},
		"an agreement in no known state": {func(a *delivery.Access) { a.Agreement.State = "odd" }, licensing.ErrNotSigned},
		"a term that has not begun":      {func(a *delivery.Access) { a.Agreement.Term.From = noon.Add(time.Microsecond) }, licensing.ErrNotYet},
		"no term":                        {func(a *delivery.Access) { a.Agreement.Term = licensing.Term{} }, licensing.ErrEnded},
		"a delivery being prepared":      {func(a *delivery.Access) { a.Delivery.State = delivery.Preparing }, delivery.ErrNotReady},
		"an ended delivery":              {func(a *delivery.Access) { a.Delivery.State = delivery.Ended }, delivery.ErrEnded},
		"a destroyed delivery":           {func(a *delivery.Access) { a.Delivery.State = delivery.Destroyed }, delivery.ErrEnded},
		"a delivery in no known state":   {func(a *delivery.Access) { a.Delivery.State = "odd" }, delivery.ErrNotGranted},
	} {
		t.Run(name, func(t *testing.T) {
			a := allowing()
			c.spoil(&a)
			wantErr(t, name, delivery.MayRead(a, noon), c.want)
		})
	}
}

func TestTheTermIsHalfOpen(t *testing.T) {
	a := allowing()
	for _, c := range []struct {
		name string
		at   time.Time
		want error
	}{
		{"a microsecond before the beginning", a.Agreement.Term.From.Add(-time.Microsecond), licensing.ErrNotYet},
		{"at the beginning", a.Agreement.Term.From, nil},
		{"a microsecond before the end", a.Agreement.Term.Until.Add(-time.Microsecond), nil},
		{"at the end", a.Agreement.Term.Until, licensing.ErrEnded},
		{"later", a.Agreement.Term.Until.Add(time.Hour), licensing.ErrEnded},
	} {
		wantErr(t, c.name, delivery.MayRead(a, c.at), c.want)
	}
}

func TestHowAGrantIsShown(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*delivery.Access)
		want  delivery.GrantState
	}{
		{"all done", func(*delivery.Access) {}, delivery.GrantEnrolled},
		{"no account", func(a *delivery.Access) { a.Contact.Person = "" }, delivery.GrantInvited},
		{"no factor", func(a *delivery.Access) { a.Factor = account.Factor{} }, delivery.GrantInvited},
		{"lost factor", func(a *delivery.Access) { a.Factor.Held = true }, delivery.GrantSuspended},
		{"suspended", func(a *delivery.Access) { a.Contact.Suspended = true }, delivery.GrantSuspended},
		{"removed", func(a *delivery.Access) { a.Contact.Suspended, a.Grant.Removed = true, noon }, delivery.GrantRemoved},
	} {
		a := allowing()
		c.spoil(&a)
		if got := a.Grant.State(a.Contact, a.Factor); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}
