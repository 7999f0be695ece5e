package s3blob

import (
	"context"
	"net/http"
	"slices"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"
)

// expire adds a rule to the lifecycle of the bucket, beside those that others
// made. A store without lifecycles is left to the sweepers.
func (s *Store) expire(ctx context.Context, days int) error {
	rules, err := s.core.GetBucketLifecycle(ctx, s.bucket)
	switch code := minio.ToErrorResponse(err); {
	case code.Code == "NoSuchLifecycleConfiguration":
		rules = lifecycle.NewConfiguration()
	case unknown(code):
		s.log.WarnContext(ctx, "the store does not expire objects by itself", "bucket", s.bucket)
		return nil
	case err != nil:
		return err
	}
	rule := lifecycle.Rule{ID: "curatore-temp " + s.prefix, Status: "Enabled", RuleFilter: lifecycle.Filter{Prefix: s.prefix},
		Expiration:                     lifecycle.Expiration{Days: lifecycle.ExpirationDays(days)},
		AbortIncompleteMultipartUpload: lifecycle.AbortIncompleteMultipartUpload{DaysAfterInitiation: 1}}
	if slices.ContainsFunc(rules.Rules, func(r lifecycle.Rule) bool {
		return r.ID == rule.ID && r.Expiration.Days == rule.Expiration.Days && r.Status == rule.Status
	}) {
		return nil
	}
	rules.Rules = append(slices.DeleteFunc(rules.Rules, func(r lifecycle.Rule) bool { return r.ID == rule.ID }), rule)
	err = s.core.SetBucketLifecycle(ctx, s.bucket, rules)
	if unknown(minio.ToErrorResponse(err)) {
		s.log.WarnContext(ctx, "the store does not expire objects by itself", "bucket", s.bucket)
		return nil
	}
	return err
}

// unknown reports whether a store does not know what it was asked for.
func unknown(answer minio.ErrorResponse) bool {
	return answer.StatusCode == http.StatusNotImplemented || answer.Code == "NotImplemented" || answer.StatusCode == http.StatusMethodNotAllowed
}
