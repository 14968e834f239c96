package keyring

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/hashicorp/vault/api/auth/approle"
	"golang.org/x/sync/singleflight"

	"sluice/delivery"
)

// login keeps one role logged in: at first use, renewed in the background, and anew when the token has reached its end
// or was revoked.
type login struct {
	cfg         Config
	role        Role
	credentials Credentials
	life        context.Context // ends with the keyring
	kept        *sync.WaitGroup
	flight      singleflight.Group

	mu  sync.Mutex
	now *session // nil: not logged in
}

// A session is one token. A new login makes a new session, so that a call under way keeps the client it began with.
type session struct {
	client  *api.Client
	watcher *api.LifetimeWatcher
}

// call does one thing in a role. A 403 may mean the policy or a dead token, in the same words: the token is looked up,
// and when it is dead the role logs in once more and the call is repeated.
func (v *Vault) call(ctx context.Context, role Role, do func(context.Context, *api.Client) error) error {
	l := v.logins[role]
	if l == nil {
		return notHere(role)
	}
	for again := false; ; again = true {
		s, err := l.session(ctx)
		if err != nil {
			return err
		}
		err = v.within(ctx, s.client, do)
		if !answered(err, http.StatusForbidden) {
			return err
		}
		alive, lookErr := v.alive(ctx, s.client)
		switch {
		case lookErr != nil:
			return lookErr
		case alive:
			return err
		}
		l.drop(s)
		if again {
			return fmt.Errorf("Vault keeps refusing fresh tokens of the role %s: %w", role, delivery.ErrKeyringAway)
		}
	}
}

// within bounds one call: some of the client's methods do not heed its own time limit.
func (v *Vault) within(ctx context.Context, c *api.Client, do func(context.Context, *api.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, v.cfg.Timeout)
	defer cancel()
	return classify(do(ctx, c))
}

func (v *Vault) alive(ctx context.Context, c *api.Client) (bool, error) {
	err := v.within(ctx, c, func(ctx context.Context, c *api.Client) error {
		_, err := c.Auth().Token().LookupSelfWithContext(ctx)
		return err
	})
	if answered(err, http.StatusForbidden) {
		return false, nil
	}
	return err == nil, err
}

// session gives the present one, or logs in. Many callers at once share one login, and its failure.
func (l *login) session(ctx context.Context) (*session, error) {
	if s := l.present(); s != nil {
		return s, nil
	}
	return l.enter(ctx, nil)
}

func (l *login) present() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// enter logs in, unless somebody has replaced the old session meanwhile.
func (l *login) enter(ctx context.Context, old *session) (*session, error) {
	done := l.flight.DoChan("", func() (any, error) {
		if s := l.present(); s != nil && s != old {
			return s, nil
		}
		return l.fresh()
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("logging in to Vault as %s: %w: %w", l.role, delivery.ErrKeyringAway, ctx.Err())
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*session), nil
	}
}

// fresh logs in with a time limit of its own: the caller who happens to be first may go away, the others still wait.
func (l *login) fresh() (*session, error) {
	ctx, cancel := context.WithTimeout(l.life, l.cfg.Timeout)
	defer cancel()
	client, err := l.cfg.client()
	if err != nil {
		return nil, err
	}
	method, err := approle.NewAppRoleAuth(l.credentials.RoleID, &approle.SecretID{FromFile: l.credentials.SecretIDFile}, approle.WithMountPath(l.cfg.AppRole))
	if err != nil {
		return nil, fmt.Errorf("logging in to Vault as %s: %w: %w", l.role, delivery.ErrKeyringAway, err)
	}
	secret, err := client.Auth().Login(ctx, method)
	if err != nil {
		return nil, fmt.Errorf("logging in to Vault as %s: %w: %v", l.role, delivery.ErrKeyringAway, classify(err))
	}
	watcher, err := client.NewLifetimeWatcher(&api.LifetimeWatcherInput{Secret: secret})
	if err != nil {
		return nil, fmt.Errorf("logging in to Vault as %s: %w: %w", l.role, delivery.ErrKeyringAway, err)
	}
	return l.keep(&session{client: client, watcher: watcher})
}

// keep puts a session in place and renews it from now on.
func (l *login) keep(s *session) (*session, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() != nil {
		return nil, fmt.Errorf("this keyring was closed: %w", delivery.ErrKeyringAway)
	}
	l.now = s
	l.kept.Go(func() { l.watch(s) })
	l.cfg.Log.Info("logged in to Vault", "role", l.role)
	return s, nil
}

// watch renews a token until it cannot be renewed any more, which the watcher says a while before the token ends; then
// it logs in afresh, so that requests do not notice.
func (l *login) watch(s *session) {
	go s.watcher.Start()
	defer s.watcher.Stop()
	select {
	case <-l.life.Done():
		return
	case <-s.watcher.DoneCh():
	}
	for wait := time.Second; l.present() == s; wait = min(2*wait, time.Minute) {
		_, err := l.enter(l.life, s)
		if err == nil {
			return
		}
		l.cfg.Log.Warn("logging in to Vault again", "role", l.role, "error", err)
		if !pause(l.life, wait+rand.N(wait/2)) {
			return
		}
	}
}

// drop forgets a dead session, unless another has taken its place.
func (l *login) drop(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == s {
		l.now = nil
	}
	s.watcher.Stop()
}

func (l *login) revoke() {
	s := l.present()
	if s == nil {
		return
	}
	l.drop(s)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.life), min(l.cfg.Timeout, 2*time.Second))
	defer cancel()
	if err := s.client.Auth().Token().RevokeSelfWithContext(ctx, ""); err != nil && !errors.Is(err, context.Canceled) {
		l.cfg.Log.Warn("revoking a token of Vault; it ends by itself", "role", l.role, "error", classify(err))
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
