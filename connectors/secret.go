package connectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
)

// A SecretRef stands in settings in place of a secret: "env:NAME", "file:NAME", or
// what the program's Secrets know. Settings are stored, shown and logged; what a
// reference leads to never is. "" is none.
type SecretRef string

var refForm = regexp.MustCompile(`^[a-z][a-z0-9+.-]{0,20}:[^\x00-\x1f]{1,200}$`)

// Validate reports a reference that is none, such as a secret itself, without
// showing it.
func (r SecretRef) Validate() error {
	if r == "" || refForm.MatchString(string(r)) {
		return nil
	}
	return fmt.Errorf("%w: a secret is given by a reference, such as env:NAME or file:NAME, and not itself", content.ErrInvalid)
}

func (r SecretRef) resolve(ctx context.Context, secrets Secrets) (rest.Secret, error) {
	if r == "" {
		return rest.Secret{}, fmt.Errorf("%w: a secret is needed and the settings have no reference to one", content.ErrInvalid)
	}
	if err := r.Validate(); err != nil {
		return rest.Secret{}, err
	}
	if secrets == nil {
		secrets = LocalSecrets{}
	}
	value, err := secrets.Secret(ctx, string(r))
	if errors.Is(err, errUnknownKind) { // it may be no reference at all: "name:password" looks like one
		scheme, _, _ := strings.Cut(string(r), ":")
		return rest.Secret{}, fmt.Errorf("secret %s:…: %w", scheme, err)
	}
	if err != nil {
		return rest.Secret{}, fmt.Errorf("secret %s: %w", r, err)
	}
	if value.Empty() {
		return rest.Secret{}, fmt.Errorf("secret %s: %w: it is empty", r, content.ErrInvalid)
	}
	return value, nil
}

// Secrets finds what references stand for: a vault, a key service. Its errors must
// not have the secret in them. It is safe for concurrent use.
type Secrets interface {
	Secret(ctx context.Context, ref string) (rest.Secret, error)
}

// LocalSecrets finds secrets on this machine. Who may write settings may send what
// a reference leads to anywhere, so that not every variable and file can be
// referred to.
type LocalSecrets struct {
	// Prefix is what names of environment variables begin with: "env:NAME" is the
	// variable Prefix+NAME. "" is "CURATORE_SECRET_".
	Prefix string
	// Dir is the folder of "file:NAME", in which there are no others; "" is
	// /run/secrets. White space around a file's text is left out.
	Dir string
}

const maxSecret = 64 << 10

// Secret implements [Secrets].
func (l LocalSecrets) Secret(_ context.Context, ref string) (rest.Secret, error) {
	scheme, name, _ := strings.Cut(ref, ":")
	switch scheme {
	case "env":
		prefix := l.Prefix
		if prefix == "" {
			prefix = "CURATORE_SECRET_"
		}
		value, ok := os.LookupEnv(prefix + name)
		if !ok {
			return rest.Secret{}, fmt.Errorf("%w: there is no environment variable %s%s", content.ErrNotFound, prefix, name)
		}
		return rest.NewSecret(value), nil
	case "file":
		dir := l.Dir
		if dir == "" {
			dir = "/run/secrets"
		}
		if path.Base(name) != name || strings.Contains(name, `\`) {
			return rest.Secret{}, fmt.Errorf("%w: it is a name in %s, without folders", content.ErrInvalid, dir)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return rest.Secret{}, err
		}
		defer root.Close()
		f, err := root.Open(name)
		if err != nil {
			return rest.Secret{}, err
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxSecret))
		if err != nil {
			return rest.Secret{}, err
		}
		return rest.NewSecret(strings.TrimSpace(string(text))), nil
	}
	return rest.Secret{}, errUnknownKind
}

// errUnknownKind is the error of a reference to what is not on this machine.
var errUnknownKind = fmt.Errorf("%w: unknown kind; use env:NAME or file:NAME, or set Secrets to what knows it", content.ErrInvalid)
