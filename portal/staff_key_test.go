package portal

import (
	"testing"

	"sluice/delivery"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

func TestTwoMarkAKeyAsCompromisedAndTheContactIsLedToTheNewDelivery(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		number, a := o.inForce()
		contact := o.join("contact:", a.Contacts[0].ID, "Karin Kluis")
		o.WorkOff()
		page, first := "/requests/"+number, o.deliveryOf(a, 0)
		o.as(contact).Get("/deliveries/"+string(first.ID)).Want(200, "Delivery "+first.Number)

		b := o.as(o.Desk).Get(page).Follow("Key compromised").Want(200, "Propose to destroy the key").Sees("use the emergency stop first", "It takes back nothing that somebody has read already")
		b.Submit("Propose to destroy the key", "reason", "", "code", o.Code(o.Desk)).Want(422, "Propose to destroy the key").Sees("Write the reason")
		o.decide(o.Desk, page+"/destroy-key", "Propose to destroy the key", "reason", "A server was broken into").Want(200, number).
			Sees("A second person must confirm it", "A server was broken into", "Destroy the key of the delivery")
		o.as(o.Desk).Get(page + "/second").Sees("This cannot be done now")
		o.as(contact).Get("/deliveries/"+string(first.ID)+"/files/a/one.cram").Want(200, "")
		o.as(o.Rep).Get("/").Sees("Destroy the key of the delivery")
		o.decide(o.Rep, page+"/second", "Confirm, and do it").Want(200, number).Sees("Done for " + number)

		// At once, with no worker: it is closed for the contact, who reads why and what to do.
		o.as(contact).Get("/deliveries/"+string(first.ID)+"/files/a/one.cram").Want(410, "").Sees("somebody may have got at its key", "You need new tokens")
		o.WorkOff()
		o.as(o.Desk).Get(page).Sees("Key marked as compromised", "Key destroyed", first.Number, "The data will be delivered again")
		second := o.deliveryOf(a, 1)
		o.as(contact).Get("/deliveries").Sees(first.Number, second.Number)
		o.as(contact).Get("/deliveries/"+string(second.ID)+"/files/a/one.cram").Want(200, "")
		o.as(o.signatory).Get("/agreements/" + a.Number).Sees("Delivery closed and its key destroyed")

		// When no key is left there is nothing to offer.
		o.decide(o.Desk, page+"/terminate", "Propose to terminate", "reason", "Over").Want(200, number)
		o.decide(o.Second, page+"/second", "Confirm, and do it").Want(200, number)
		o.WorkOff()
		o.as(o.Desk).Get(page).Sees("Key compromised")
		clock.Set(o.deliveryOf(a, 1).KeyDue)
		o.WorkOff()
		if b := o.as(o.fresh(o.Desk)).Get(page); b.Has("Key compromised") {
			t.Error("destroying a key is offered although none is left")
		}
		o.as(o.fresh(o.Desk)).Get(page+"/destroy-key").Want(200, "").Sees("This cannot be done now", "No key is left to destroy")
	})
}

func (o *office) deliveryOf(a licensing.Agreement, n int) (d delivery.Overview) {
	o.t.Helper()
	o.View(func(tx *db.Tx) error {
		all, err := o.Depot.Overview(tx, a.ID)
		if err == nil {
			d = all[n]
		}
		return err
	})
	return d
}
