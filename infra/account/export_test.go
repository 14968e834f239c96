package account

// FillSlots takes all room for hashing passwords, until the returned function is called.
func (a *Accounts) FillSlots() (release func()) {
	for range atOnce {
		a.slots <- struct{}{}
	}
	return func() {
		for range atOnce {
			<-a.slots
		}
	}
}
