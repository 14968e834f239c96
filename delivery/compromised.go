package delivery

import (
	"errors"

	"sluice/infra/db"
	"sluice/licensing"
)

// keysHeld tells the registry whether there is a key under an agreement that could still be marked as compromised.
func (p *Depot) keysHeld(tx *db.Tx, a licensing.AgreementID) (bool, error) {
	held, err := withKeys(tx, a)
	return len(held) > 0, err
}

// withKeys are the deliveries of an agreement whose key is there and not marked.
func withKeys(tx *db.Tx, a licensing.AgreementID) (held []Delivery, err error) {
	all, err := deliveriesOf(tx, a)
	for _, d := range all {
		if d.KeyHeld() {
			held = append(held, d)
		}
	}
	return held, err
}

// keysCompromised is told that two people said that somebody may have got at the keys of an agreement. All its deliveries
// end with this change, and their keys are destroyed as soon as a worker comes to it. While the agreement gives access the
// same files are delivered again under a fresh key. Under a suspended one they are not: whatever was broken into may be
// open still, and a new key would lie beside the old one; who resumes it says that it is shut.
func (p *Depot) keysCompromised(tx *db.Tx, a licensing.Agreement) error {
	held, err := withKeys(tx, a.ID)
	if err != nil {
		return err
	}
	for _, d := range held {
		if _, err := p.apply(tx, d.ID, KeyWasCompromised{}, nil); err != nil {
			return err
		}
		if err := tx.Enqueue(jobEnd, string(d.ID), tx.At); err != nil {
			return err
		}
	}
	if err := a.OpenAt(tx.At); err != nil && !errors.Is(err, licensing.ErrNotYet) {
		return nil
	}
	return p.orderAnew(tx, a)
}

// resumed is told that two people opened a suspended agreement again: what was taken away meanwhile, or ended with a term that was
// extended late, is made anew.
func (p *Depot) resumed(tx *db.Tx, a licensing.Agreement) error {
	deliveries, err := live(tx, a.ID)
	if err != nil || len(deliveries) > 0 {
		return err
	}
	return p.orderAnew(tx, a)
}

// orderAnew makes a delivery in the place of the agreement's last one.
func (p *Depot) orderAnew(tx *db.Tx, a licensing.Agreement) error {
	all, err := deliveriesOf(tx, a.ID)
	if err != nil {
		return err
	}
	var last ID
	if len(all) > 0 {
		last = all[len(all)-1].ID
	}
	_, err = p.order(tx, a, last)
	return err
}
