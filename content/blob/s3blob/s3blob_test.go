package s3blob_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/s3blob"
)

func TestOpenIsRefused(t *testing.T) {
	good := s3blob.Config{Endpoint: "127.0.0.1:1", Insecure: true, Bucket: "b", AccessKey: "a", SecretKey: "s", Retries: 1}
	for name, change := range map[string]func(*s3blob.Config){
		"no endpoint":   func(c *s3blob.Config) { c.Endpoint = "" },
		"a URL":         func(c *s3blob.Config) { c.Endpoint = "http://127.0.0.1:1" },
		"no bucket":     func(c *s3blob.Config) { c.Bucket = "" },
		"no secret":     func(c *s3blob.Config) { c.SecretKey = "" },
		"a small part":  func(c *s3blob.Config) { c.PartSize = 1000 },
		"a bad prefix":  func(c *s3blob.Config) { c.Prefix = "../" },
		"an open end":   func(c *s3blob.Config) { c.Prefix = "temp" },
		"days":          func(c *s3blob.Config) { c.ExpireDays = -1 },
		"silence":       func(c *s3blob.Config) { c.Silence = -time.Second },
		"two at a time": func(c *s3blob.Config) { c.Endpoint, c.Bucket = "", "" },
	} {
		c := good
		change(&c)
		if _, err := s3blob.Open(t.Context(), c); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v, want content.ErrInvalid", name, err)
		}
	}
	if _, err := s3blob.Open(t.Context(), good); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("nobody listens: %v, want blob.ErrUnavailable", err)
	}
}

func TestSecretsAreHidden(t *testing.T) {
	c := s3blob.Config{Endpoint: "e", Bucket: "b", AccessKey: "key", SecretKey: "canary", SessionToken: "canary"}
	var logged strings.Builder
	slog.New(slog.NewTextHandler(&logged, nil)).Info("config", "config", c)
	if text := fmt.Sprintf("%v %+v %#v %s %s", c, c, c, c, logged.String()); strings.Contains(text, "canary") {
		t.Error(text)
	}
}
