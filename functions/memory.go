package functions

import (
	"bytes"
	"context"
	"crypto/subtle"
	"slices"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content"
)

// memory keeps what waits for confirmation in this process. It cannot tell whose
// principal belongs to whose organization, so that each sees its own alone.
type memory struct {
	now func() time.Time

	mu     sync.Mutex
	offers []memoryOffer // the oldest first
}

type memoryOffer struct {
	Confirmation // without its token
	scope        content.Scope
	hash, digest []byte
	agreed       bool
}

// same reports whether two offers are for the same call.
func (o memoryOffer) same(other memoryOffer) bool {
	return o.scope == other.scope && bytes.Equal(o.digest, other.digest)
}

// maxOffers bounds what callers can make a process remember.
const maxOffers = 1000

func (m *memory) offer(_ context.Context, call *Call) (*Confirmation, error) {
	asked, hash := confirmationOf(call, m.now())
	shown, err := audited(call)
	if err != nil {
		return nil, err
	}
	kept := memoryOffer{Confirmation: *asked, scope: call.Scope(), hash: hash, digest: call.digest}
	kept.Token, kept.Arguments = "", bytes.Clone(shown)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.offers) >= maxOffers {
		m.offers = m.offers[1:]
	}
	m.offers = append(m.offers, kept)
	return asked, nil
}

func (m *memory) redeem(_ context.Context, call *Call, token string) (bool, error) {
	hash := tokenHash(token)
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.offers {
		if token == "" && !o.agreed || token != "" && subtle.ConstantTimeCompare(o.hash, hash) != 1 {
			continue
		}
		if o.scope != call.Scope() || subtle.ConstantTimeCompare(o.digest, call.digest) != 1 || m.now().After(o.Expires) {
			continue
		}
		m.offers = append(m.offers[:i:i], m.offers[i+1:]...)
		return true, nil
	}
	return false, nil
}

func (m *memory) waiting(_ context.Context, scope content.Scope) (list []Confirmation, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, o := range m.offers {
		again := slices.ContainsFunc(m.offers[i+1:], o.same) // the newest stands for all
		if !o.agreed && !again && o.scope == scope && !m.now().After(o.Expires) && len(list) < maxWaiting {
			list = append(list, o.Confirmation)
		}
	}
	return list, nil
}

func (m *memory) decide(_ context.Context, scope content.Scope, id string, agree bool) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(m.offers, func(o memoryOffer) bool {
		return o.ID == id && !o.agreed && o.scope == scope && !m.now().After(o.Expires)
	})
	if at < 0 {
		return false, nil
	}
	decided := m.offers[at]
	m.offers = slices.DeleteFunc(m.offers, func(o memoryOffer) bool { return !o.agreed && o.same(decided) })
	if agree {
		decided.agreed = true
		m.offers = append(m.offers, decided)
	}
	return true, nil
}
