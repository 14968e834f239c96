package crypt4gh

import (
	"encoding/binary"
	"fmt"
	"math"
)

// An EditList says which bytes of the plaintext count, as lengths in turn discarded and kept (specification, section 4.3).
// After the last length what follows is kept if that was a discarded one, and dropped if it was a kept one. An empty list
// keeps all. Lengths beyond the end of the plaintext are no error.
type EditList []uint64

func parseEdits(b []byte) (EditList, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("%w: an edit list cut short", ErrFormat)
	}
	count, lengths := binary.LittleEndian.Uint32(b), b[4:]
	if uint64(count)*8 > uint64(len(lengths)) {
		return nil, fmt.Errorf("%w: an edit list of %d lengths in %d bytes", ErrFormat, count, len(lengths))
	}
	list := make(EditList, count)
	sum := uint64(0)
	for i := range list {
		list[i] = binary.LittleEndian.Uint64(lengths[8*i:])
		if list[i] > math.MaxInt64-sum {
			return nil, fmt.Errorf("%w: an edit list that reaches beyond any file", ErrFormat)
		}
		sum += list[i]
	}
	return list, nil
}

func (l EditList) encode() []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(l)))
	for _, n := range l {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

// A window lets through the kept bytes of a plaintext that passes in pieces.
type window struct {
	rest    []uint64 // lengths still to come
	keeping bool
	left    uint64 // bytes of the present length still to pass
	endless bool   // the present stretch goes on to the end
}

func newWindow(l EditList) window {
	if len(l) == 0 {
		return window{keeping: true, endless: true}
	}
	return window{rest: l[1:], left: l[0]}
}

// next takes the kept bytes at the front of the first stretch of piece, and returns them (none, for a discarded stretch)
// and what is left of piece.
func (w *window) next(piece []byte) (kept, rest []byte) {
	w.turn()
	n := uint64(len(piece))
	if !w.endless {
		n = min(n, w.left)
		w.left -= n
	}
	if w.keeping {
		return piece[:n], piece[n:]
	}
	return nil, piece[n:]
}

// turn goes on to the next stretch of the list that is not empty.
func (w *window) turn() {
	for !w.endless && w.left == 0 {
		if len(w.rest) == 0 {
			w.endless = true
			w.keeping = !w.keeping
			return
		}
		w.keeping = !w.keeping
		w.left, w.rest = w.rest[0], w.rest[1:]
	}
}

// done says that nothing more will be kept.
func (w *window) done() bool {
	w.turn()
	return w.endless && !w.keeping
}
