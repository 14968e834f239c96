package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"sluice/infra/db"
	"sluice/infra/keyring"
	"sluice/portal"
)

func (c *command) serveCommand() *cobra.Command {
	var worker bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Serve the portal; with --worker also do the work behind it",
		Long: `Serves the portal and the downloads. With --worker the same process prepares, ends and sends mail: fine
for a small site. In production run sluiced worker apart, with its own credentials.

On SIGTERM it takes no more requests, cuts the downloads (they can be resumed), finishes the jobs at
hand and ends with code 0 within 30 seconds.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withSite(cmd.Context(), func(s *site) error {
				l, err := net.Listen("tcp", s.cfg.Listen)
				if err != nil {
					return usageError{fmt.Errorf("listen: %w", err)}
				}
				return s.serve(cmd.Context(), l, worker, nil)
			})
		},
	}
	cmd.Flags().BoolVar(&worker, "worker", false, "do the jobs in this process too")
	return cmd
}

func (c *command) workerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Short: "Do the work behind the portal: prepare, end, remind, send mail",
		Long: `Does the jobs: prepares deliveries, takes them away at their end, reminds, and sends mail. Any number of
workers may run. No worker is needed for access to end.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withSite(cmd.Context(), func(s *site) error { return s.run(cmd.Context(), true) })
		},
	}
}

// The times within which a process ends that was asked to. Together they stay under 30 seconds.
const (
	drainTime  = 10 * time.Second // for requests that are being answered
	finishTime = 15 * time.Second // for jobs; what is not done then is done again
)

// serve answers requests until ctx ends.
func (s *site) serve(ctx context.Context, l net.Listener, worker bool, demo *portal.Demo) error {
	// Downloads outlive the moment in which no more are taken only by as long as the watch over them runs.
	ready := &readiness{db: s.db, key: s.accounts.CheckKey}
	handler, err := s.portal(ready, demo)
	if err != nil {
		return err
	}
	server := portal.HTTPServer(s.cfg.Listen, handler)
	server.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelDebug) // broken handshakes of scanners
	if s.cfg.TLS.Certificate != "" {
		reload := &certificate{cfg: s.cfg}
		if _, err := reload.get(nil); err != nil {
			return usageError{fmt.Errorf("tls: %w", err)}
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: reload.get}
		l = tls.NewListener(l, server.TLSConfig)
	}
	ctx, give := context.WithCancel(ctx)
	defer give()
	var parts sync.WaitGroup
	parts.Go(func() { ready.watch(ctx, s.log) })
	var background error
	parts.Go(func() {
		// Pages without the work behind them would look well and bring nobody anything: the process ends, and is started again.
		if background = s.run(ctx, worker); background != nil {
			s.log.Error("the work behind the pages ended by itself", "error", background.Error())
			give()
		}
	})
	parts.Go(func() { s.gateway.Run(ctx) })

	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	s.log.Info("serving", "address", l.Addr().String(), "base", s.cfg.BaseURL, "worker", worker, "version", version())
	s.log.Info("keys are in " + s.keys.Describe())
	select {
	case err = <-served:
		return fmt.Errorf("serving ended by itself: %w", err)
	case <-ctx.Done():
	}
	ready.stop()
	s.log.Info("ending: no more requests are taken")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(end); err != nil {
		server.Close() // what is still open then is a download, and can be resumed
	}
	parts.Wait()
	s.log.Info("ended")
	return background
}

// run does what needs no listener: it obeys the journal of stops, and does jobs when it is a worker.
func (s *site) run(ctx context.Context, worker bool) error {
	ctx, cancel := context.WithCancel(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel() // before the wait, which would otherwise last for ever when the work cannot begin
	parts.Go(func() { s.watchJournal(ctx) })
	if !worker {
		<-ctx.Done()
		return nil
	}
	if err := s.registry.Start(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	s.log.Info("working", "version", version())
	s.db.Work(ctx, s.log, workers, s.handlers())
	return nil
}

// workers is how many jobs one process does at once. Each may itself copy several objects at once.
const workers = 4

// handlers are all jobs there are. Each is let finish when the process is asked to end.
func (s *site) handlers() map[string]db.Handler {
	all := map[string]db.Handler{}
	for _, of := range []map[string]db.Handler{s.accounts.Handlers(), s.registry.Handlers(), s.depot.Handlers()} {
		for kind, handle := range of {
			all[kind] = finishing(handle)
		}
	}
	return all
}

// finishing gives a job finishTime to end by itself when the process is asked to end. A job whose lease was lost stops at
// once, for somebody else does it now.
func finishing(handle db.Handler) db.Handler {
	return func(ctx context.Context, subject string) error {
		own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
		defer cancel(nil)
		stop := context.AfterFunc(ctx, func() {
			why := context.Cause(ctx)
			if !errors.Is(why, context.Canceled) {
				cancel(why)
				return
			}
			select {
			case <-time.After(finishTime):
				cancel(why)
			case <-own.Done():
			}
		})
		defer stop()
		return handle(own, subject)
	}
}

// portal wires the pages.
func (s *site) portal(ready *readiness, demo *portal.Demo) (http.Handler, error) {
	var trusted []netip.Prefix
	for _, text := range s.cfg.TrustedProxies {
		p, err := prefixOf(text)
		if err != nil {
			return nil, usageError{err}
		}
		trusted = append(trusted, p)
	}
	pages, err := loadPages(s.cfg)
	if err != nil {
		return nil, err
	}
	server, err := portal.New(portal.Config{
		DB: s.db, Accounts: s.accounts, Registry: s.registry, Depot: s.depot, Gateway: s.gateway, Pages: pages,
		Foundation: s.cfg.Foundation.Name, Base: strings.TrimSuffix(s.cfg.BaseURL, "/"), Zone: s.registry.Zone(), TrustedProxies: trusted, Version: version(),
		Help: s.cfg.Foundation.Email, Privacy: s.cfg.Foundation.Email, Log: s.log, CookieKey: subkey(s.key, "cookies"),
		Ready: ready.ask, Journal: s.journal.add, Demo: demo, Texts: portal.Texts{Letter: s.letters.words, Calendar: s.letters.texts.Calendar},
	})
	if err != nil {
		return nil, err
	}
	return server.Handler(), nil
}

// readiness says whether this process may get requests. With its clock off the database's, its terms would end at another
// moment than those of its neighbours.
type readiness struct {
	db     *db.DB
	key    func(*db.Tx) error // whether our local key is the right one: another may have been taken into use since we started
	ending atomic.Bool
	skew   atomic.Uint64 // bits of a float64, in seconds
}

func (r *readiness) stop() { r.ending.Store(true) }

// note keeps how far our clock is off.
func (r *readiness) note(seconds float64) { r.skew.Store(math.Float64bits(seconds)) }

// ask answers the probe of a load balancer.
func (r *readiness) ask(ctx context.Context) error {
	if r.ending.Load() {
		return errors.New("this process is ending")
	}
	if by := math.Float64frombits(r.skew.Load()); math.Abs(by) > maxSkew {
		return fmt.Errorf("the clock of this host is %.1f s off the database's: set both by NTP", by)
	}
	return r.db.View(ctx, func(tx *db.Tx) error {
		if _, err := tx.Head(); err != nil {
			return err
		}
		return r.key(tx)
	})
}

// watch looks at the clocks every few seconds.
func (r *readiness) watch(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		by, err := r.db.Skew(ctx)
		switch {
		case err == nil:
			if math.Abs(by) > maxSkew {
				log.Error("the clock of this host is off the database's; it is not ready until that is mended", "seconds", by)
			}
			r.note(by)
		case ctx.Err() == nil:
			log.Warn("asking the database for its time", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// certificate reads the files anew when they change, so that renewing a certificate needs no restart.
type certificate struct {
	cfg  Config
	mu   sync.Mutex
	read time.Time
	cert *tls.Certificate
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert != nil && time.Since(c.read) < time.Minute {
		return c.cert, nil
	}
	cert, err := tls.LoadX509KeyPair(c.cfg.TLS.Certificate, c.cfg.TLS.Key)
	if err != nil {
		if c.cert != nil {
			return c.cert, nil // half of a renewal; the old one still serves
		}
		return nil, err
	}
	c.cert, c.read = &cert, time.Now()
	return c.cert, nil
}

// roleNames lists the roles of this process in the keyring, for doctor.
func roleNames(cfg Config) (names []string) {
	if cfg.Keyring.Kind == "local" {
		for _, r := range keyring.Roles {
			names = append(names, string(r))
		}
		return names
	}
	for name := range maps.Keys(cfg.Keyring.Roles) {
		names = append(names, name)
	}
	return names
}
