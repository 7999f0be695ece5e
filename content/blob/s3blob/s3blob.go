// Package s3blob keeps objects in MinIO, Amazon S3 or another store that speaks
// its protocol.
//
// S3 knows nothing of the SHA-256 of a file that was sent in parts, breaks off
// downloads that take long, and a store that is silent can hold a program up for
// ever. Here the SHA-256 stands in the metadata of each object and is checked on
// the way in and on the way out, a download that breaks off goes on where it was,
// and silence is an error after a minute. Large files go in parts, one of which is
// in memory.
//
// It is tested against a real S3 server, in the nested module s3test.
package s3blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// Config says where the store is. Endpoint and Bucket are required.
type Config struct {
	Endpoint string // host:port, or host
	Insecure bool   // HTTP in place of HTTPS, for a store on this machine or a trusted network
	Region   string // is asked for when empty

	AccessKey    string // empty with SecretKey: from the environment, ~/.aws/credentials or the machine's role
	SecretKey    string `json:"-"`
	SessionToken string `json:"-"`

	Bucket       string
	CreateBucket bool   // create the bucket when it is not there
	Prefix       string // begins all keys in the bucket, such as "curatore/"; may be empty

	// ExpireDays makes the store itself remove everything below Prefix after so
	// many days, and what is left of broken uploads after one. It is for a bucket
	// or prefix with nothing but temporary objects. A store that cannot do it is
	// no error, but logged. 0 leaves the rules of the bucket alone.
	ExpireDays int

	// PartSize is how much of a file is in memory while it is stored; 0 is 16 MB,
	// the least is 5 MB. A file has at most 10,000 parts.
	PartSize int
	// Silence is how long the store may send and take nothing before a call
	// fails; 0 is one minute. It does not apply to a Transport of your own.
	Silence time.Duration
	// Retries is how often a request is tried; 0 is 5.
	Retries   int
	Transport http.RoundTripper // nil is one of the Store's own
	Logger    *slog.Logger      // nil is silent
}

// String hides the secrets.
func (c Config) String() string {
	return fmt.Sprintf("s3blob.Config{Endpoint: %s, Bucket: %s, Prefix: %s, AccessKey: %s}", c.Endpoint, c.Bucket, c.Prefix, c.AccessKey)
}

// GoString is String, so that %#v shows no more.
func (c Config) GoString() string { return c.String() }

// LogValue is String, for package slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

const (
	minPart  = 5 << 20 // of S3
	maxParts = 10_000  // of S3
)

// A Store keeps objects in a bucket. It is safe for concurrent use.
type Store struct {
	core   *minio.Core
	bucket string
	prefix string
	part   int
	log    *slog.Logger
	close  func()
}

var (
	_ blob.Store     = (*Store)(nil)
	_ blob.Presigner = (*Store)(nil)
	_ blob.Sweeper   = (*Store)(nil)
)

// Open connects to a bucket and checks that it is there and that the credentials
// are taken. Close the Store when done.
func Open(ctx context.Context, c Config) (_ *Store, err error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	s := &Store{bucket: c.Bucket, prefix: c.Prefix, part: cmp.Or(c.PartSize, 16<<20), log: c.Logger, close: func() {}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if c.Transport == nil {
		t, err := newTransport(!c.Insecure, cmp.Or(c.Silence, time.Minute))
		if err != nil {
			return nil, fmt.Errorf("open object store: %w", err)
		}
		c.Transport, s.close = t, t.CloseIdleConnections
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.core, err = minio.NewCore(c.Endpoint, &minio.Options{Creds: c.credentials(), Secure: !c.Insecure, Region: c.Region,
		Transport: c.Transport, MaxRetries: cmp.Or(c.Retries, 5)}); err != nil {
		return nil, fmt.Errorf("open object store: %w: %w", content.ErrInvalid, err)
	}
	there, err := s.core.BucketExists(ctx, c.Bucket)
	if err == nil && !there {
		err = fmt.Errorf("%w: there is no bucket %s; create it, or set CreateBucket", content.ErrNotFound, c.Bucket)
		if c.CreateBucket {
			err = s.create(ctx, c.Region)
		}
	}
	if err == nil && c.ExpireDays > 0 {
		err = s.expire(ctx, c.ExpireDays)
	}
	if err != nil {
		return nil, fmt.Errorf("open object store %s: %w", c.Endpoint, s.explain(ctx, "", err))
	}
	return s, nil
}

func (c Config) check() error {
	var errs []error
	wrong := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{content.ErrInvalid}, args...)...))
		}
	}
	wrong(c.Endpoint == "" || strings.Contains(c.Endpoint, "/"), "the endpoint %q; write host:port, without http", c.Endpoint)
	wrong(c.Bucket == "", "Bucket is missing")
	wrong((c.AccessKey == "") != (c.SecretKey == ""), "AccessKey and SecretKey are given together, or neither")
	wrong(c.PartSize != 0 && c.PartSize < minPart, "the part size %d; the least is %d", c.PartSize, minPart)
	wrong(c.ExpireDays < 0, "ExpireDays is %d; 0 leaves the bucket alone", c.ExpireDays)
	wrong(c.Retries < 0 || c.Silence < 0, "Retries and Silence are not negative")
	return errors.Join(append(errs, blob.CheckPrefix(c.Prefix))...)
}

func (c Config) credentials() *credentials.Credentials {
	if c.AccessKey != "" {
		return credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	}
	return credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}})
}

// create makes the bucket, which another process may do at the same time.
func (s *Store) create(ctx context.Context, region string) error {
	err := s.core.MakeBucket(ctx, s.bucket, minio.MakeBucketOptions{Region: region})
	if err == nil {
		return nil
	}
	if there, errThere := s.core.BucketExists(ctx, s.bucket); errThere == nil && there {
		return nil
	}
	return err
}

// Close ends idle connections. It does not wait for calls at work.
func (s *Store) Close() error {
	s.close()
	return nil
}

// name is that of an object in the bucket.
func (s *Store) name(key string) string { return s.prefix + key }

func check(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	return context.Cause(ctx)
}
