package db

import (
	"time"

	"golang.org/x/sys/unix"
)

// sinceBoot counts while the machine sleeps too, so a laptop that was closed overnight has made no leap.
func sinceBoot() (time.Duration, error) {
	var t unix.Timespec
	err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
	return time.Duration(t.Nano()), err
}
