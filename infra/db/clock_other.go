//go:build !linux

package db

import (
	"errors"
	"time"
)

// sinceBoot is not known here: the monotonic clock of other systems stands still while the machine sleeps, and every
// laptop that wakes would count as a leap.
func sinceBoot() (time.Duration, error) { return 0, errors.ErrUnsupported }
