//go:build unix

package delivery_test

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

// The benchmarks of this package print ratios to a baseline taken in the same minute, for the seconds of one machine say
// nothing about another. Sizes and rounds: SLUICE_BENCH_BYTES (default 1 GiB), SLUICE_BENCH_ROUNDS (default 10).

func fromEnv(b *testing.B, name string, otherwise int) int {
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

// A side is one of the two things compared.
type side struct {
	name string
	run  func()
	wall []float64
	cpu  []float64
}

func (s *side) once() {
	cpu, start := cpuSeconds(), time.Now()
	s.run()
	s.wall = append(s.wall, time.Since(start).Seconds())
	s.cpu = append(s.cpu, cpuSeconds()-cpu)
}

// cpuSeconds is the CPU time of this process: clients and stores that are processes of their own do not count.
func cpuSeconds() float64 {
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

// paired runs both sides in turn, one round uncounted, and reports the median over the rounds of the time of ours in that
// of the base.
func paired(b *testing.B, size int64, base, ours *side) {
	rounds := fromEnv(b, "SLUICE_BENCH_ROUNDS", 10)
	start, all := time.Now(), machineSeconds()
	for b.Loop() {
		base.run()
		ours.run()
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
	for _, s := range []*side{base, ours} {
		b.Logf("%-36s median %.3f s (%.3f to %.3f), %.2f GB/s, %.2f CPU s/GB", s.name, median(s.wall),
			slices.Min(s.wall), slices.Max(s.wall), gb/median(s.wall), median(s.cpu)/gb)
	}
	b.Logf("ratio of times %.3f (%.3f to %.3f), of speeds %.3f, over %d rounds of %d bytes; the machine used %.1f of %d cores",
		median(ratios), slices.Min(ratios), slices.Max(ratios), 1/median(ratios), len(ratios), size,
		(machineSeconds()-all)/time.Since(start).Seconds(), runtime.NumCPU())
	b.ReportMetric(median(ratios), "time-ratio")
	b.ReportMetric(1/median(ratios), "speed-ratio")
	b.ReportMetric(median(ours.cpu)/gb, "CPU-s/GB")
	b.ReportMetric(0, "ns/op")
}

// spread says how long something takes, of many times.
func spread(b *testing.B, what string, times []time.Duration) {
	slices.Sort(times)
	mid := times[len(times)/2]
	b.Logf("%s: median %v, 95th of a hundred %v, %v to %v, of %d", what, mid, times[len(times)*95/100], times[0], times[len(times)-1], len(times))
	b.ReportMetric(float64(mid.Microseconds())/1000, "median-ms")
	b.ReportMetric(0, "ns/op")
}
