//go:build unix

// Package ratiotest measures, for benchmarks, one way of doing something in the time that another takes in the same minutes,
// for the seconds of one machine say nothing about another. Rounds: SLUICE_BENCH_ROUNDS (default 10).
package ratiotest

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// Number is a positive number from the environment.
func Number(b *testing.B, name string, otherwise int) int {
	b.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n <= 0 {
		b.Fatalf("%s=%q is not a positive number", name, text)
	}
	return n
}

// Bytes is how much a benchmark moves: SLUICE_BENCH_BYTES, or else 1 GiB.
func Bytes(b *testing.B) int64 { return int64(Number(b, "SLUICE_BENCH_BYTES", 1<<30)) }

// A Side is one of the two things compared.
type Side struct {
	Name string
	Run  func()

	wall, own, machine []float64 // seconds of each round: of the clock, of CPU in this process, and in all of the machine
}

func (s *Side) once() {
	machine, own, start := machineSeconds(), ownSeconds(), time.Now()
	s.Run()
	s.wall = append(s.wall, time.Since(start).Seconds())
	s.own = append(s.own, ownSeconds()-own)
	s.machine = append(s.machine, machineSeconds()-machine)
}

// ownSeconds is the CPU time of this process: clients and stores that are processes of their own do not count.
func ownSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// machineSeconds is the CPU time that all processes of the machine have used; 0 where /proc/stat does not tell.
func machineSeconds() float64 {
	text, _ := os.ReadFile("/proc/stat")
	var user, nice, system float64
	if _, err := fmt.Sscanf(string(text), "cpu %f %f %f", &user, &nice, &system); err != nil {
		return 0
	}
	return (user + nice + system) / 100
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// Paired runs both sides in turn, one round uncounted, and reports the median over the rounds of the time of ours in that
// of the base, and for each side its speed and its CPU time for a GB of the size that each moves.
func Paired(b *testing.B, size int64, base, ours *Side) {
	b.Helper()
	rounds := Number(b, "SLUICE_BENCH_ROUNDS", 10)
	for b.Loop() {
		base.Run()
		ours.Run()
		for i := range rounds {
			first, second := base, ours
			if i%2 == 1 {
				first, second = ours, base
			}
			first.once()
			second.once()
		}
	}
	ratios := make([]float64, len(base.wall))
	for i := range ratios {
		ratios[i] = ours.wall[i] / base.wall[i]
	}
	gb := float64(size) / 1e9
	for _, s := range []*Side{base, ours} {
		b.Logf("%-40s median %.3f s (%.3f to %.3f), %.2f GB/s; CPU %.2f s/GB here, %.2f s/GB on the whole machine, on %.1f of %d cores", s.Name, median(s.wall),
			slices.Min(s.wall), slices.Max(s.wall), gb/median(s.wall), median(s.own)/gb, median(s.machine)/gb, median(s.machine)/median(s.wall), runtime.NumCPU())
	}
	b.Logf("ratio of times %.3f (%.3f to %.3f), of speeds %.3f, over %d rounds of %d bytes",
		median(ratios), slices.Min(ratios), slices.Max(ratios), 1/median(ratios), len(ratios), size)
	b.ReportMetric(median(ratios), "time-ratio")
	b.ReportMetric(1/median(ratios), "speed-ratio")
	b.ReportMetric(median(base.own)/gb, "base-CPU-s/GB")
	b.ReportMetric(median(ours.own)/gb, "CPU-s/GB")
	b.ReportMetric(0, "ns/op")
}

// Spread says how long something takes, of many times.
func Spread(b *testing.B, what string, times []time.Duration) {
	b.Helper()
	slices.Sort(times)
	mid := times[len(times)/2]
	b.Logf("%s: median %v, 95th of a hundred %v, %v to %v, of %d", what, mid, times[len(times)*95/100], times[0], times[len(times)-1], len(times))
	b.ReportMetric(float64(mid.Microseconds())/1000, "median-ms")
	b.ReportMetric(0, "ns/op")
}
