package s3blob

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

func checkValid(valid time.Duration) error {
	if valid < time.Second || valid > 7*24*time.Hour {
		return fmt.Errorf("%w: a URL that is valid for %s; allowed is a second to 7 days", content.ErrInvalid, valid)
	}
	return nil
}

// PresignGet implements blob.Presigner.
func (s *Store) PresignGet(ctx context.Context, key string, valid time.Duration) (string, error) {
	if err := checkValid(valid); err != nil {
		return "", err
	}
	i, err := s.Stat(ctx, key)
	if err != nil {
		return "", err
	}
	disposition := "attachment"
	if i.Filename != "" {
		disposition += "; filename*=UTF-8''" + blob.EscapeMetadata(i.Filename)
	}
	u, err := s.core.PresignedGetObject(ctx, s.bucket, s.name(key), valid, url.Values{"response-content-disposition": {disposition}})
	if err != nil {
		return "", fmt.Errorf("sign a URL for object %s: %w", key, s.explain(ctx, key, err))
	}
	return u.String(), nil
}

// PresignPut implements blob.Presigner.
func (s *Store) PresignPut(ctx context.Context, key string, valid time.Duration) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	if err := checkValid(valid); err != nil {
		return "", err
	}
	u, err := s.core.PresignedPutObject(ctx, s.bucket, s.name(key), valid)
	if err != nil {
		return "", fmt.Errorf("sign a URL for object %s: %w", key, s.explain(ctx, key, err))
	}
	return u.String(), nil
}
