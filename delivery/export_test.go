package delivery

// IdleAfter is after how long a transfer is over.
const IdleAfter = idleAfter

// Open is how many streams are open.
func (g *Gateway) Open() int { return g.streams.count() }

// Looks is how often the watch had an answer.
func (g *Gateway) Looks() int64 { return g.streams.looks.Load() }
