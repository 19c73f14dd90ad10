// An S3 server over a folder: versitygw's gateway with its POSIX backend. Upstream's main also links Azure's SDK, other
// file systems and its own integration tests. The buckets are there before the first request is answered, so that a
// healthy server is a usable one.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3err"
)

const (
	objectCopyThreshold = 5 << 30 // bytes; above, a copy is made in parts, as in S3
	maximalParts        = 10_000  // of a multipart upload, as in S3
	connections         = 1024
	requests            = 256
)

type settings struct {
	listen, region, data, metadata, health string
	buckets                                []string
	access, secret                         string // from S3_ACCESS_KEY and S3_SECRET_KEY: arguments are for everybody to read
}

func main() {
	log.SetFlags(log.LstdFlags | log.Lmsgprefix)
	given := settings{access: os.Getenv("S3_ACCESS_KEY"), secret: os.Getenv("S3_SECRET_KEY")}
	flag.StringVar(&given.listen, "listen", "", "address and port")
	flag.StringVar(&given.region, "region", "us-east-1", "the region that requests are signed for")
	flag.StringVar(&given.data, "data", "", "folder of the buckets")
	flag.StringVar(&given.metadata, "metadata", "", "folder of the objects' metadata, because not every file system has extended attributes")
	flag.StringVar(&given.health, "health", "/health", "path that answers 200 without a signature")
	buckets := flag.String("buckets", "", "buckets to create if they are missing, separated by commas")
	flag.Parse()
	given.buckets = strings.FieldsFunc(*buckets, func(r rune) bool { return r == ',' })
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := serve(ctx, given); err != nil && ctx.Err() == nil {
		log.Fatalf("s3: %v", err)
	}
}

func serve(ctx context.Context, given settings) error {
	for _, folder := range []string{given.data, given.metadata} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	metadata, err := meta.NewSideCar(given.metadata)
	if err != nil {
		return fmt.Errorf("-metadata %s: %w", given.metadata, err)
	}
	options := posix.PosixOpts{SideCarDir: given.metadata, Concurrency: requests, CopyObjectThreshold: objectCopyThreshold}
	options.SetNewDirPerm(0o700)
	options.SetNewFilePerm(0o600)
	store, err := posix.New(given.data, metadata, options)
	if err != nil {
		return fmt.Errorf("-data %s: %w", given.data, err)
	}
	for _, bucket := range given.buckets {
		if err := ensure(ctx, store, bucket, given.access); err != nil {
			return fmt.Errorf("-buckets %s: %w", bucket, err)
		}
	}
	return embedgw.RunVersityGW(ctx, store, &embedgw.Config{
		RootUserAccess: given.access, RootUserSecret: given.secret, Region: given.region,
		Ports: []string{given.listen}, HealthPath: given.health, KeepAlive: true, Quiet: true,
		MaxConnections: connections, MaxRequests: requests, MultipartMaxParts: maximalParts,
	})
}

// ensure creates a bucket that belongs to the root account, as its first request would.
func ensure(ctx context.Context, store backend.Backend, bucket, owner string) error {
	account := auth.Account{Access: owner, Role: auth.RoleAdmin}
	grants := []auth.Grantee{{Permission: auth.PermissionFullControl, Access: owner, Type: types.TypeCanonicalUser}}
	acl, err := json.Marshal(auth.ACL{Owner: owner, Grantees: grants})
	if err != nil {
		return err
	}
	err = store.CreateBucket(context.WithValue(ctx, "bucket-owner", account), &s3.CreateBucketInput{ //nolint:staticcheck // versitygw's key
		Bucket:                    &bucket,
		CreateBucketConfiguration: &types.CreateBucketConfiguration{},
		ObjectOwnership:           types.ObjectOwnershipBucketOwnerEnforced,
	}, acl)
	var known s3err.S3Error
	if errors.As(err, &known) && known.BaseError() == s3err.GetAPIError(s3err.ErrBucketAlreadyOwnedByYou) {
		return nil
	}
	return err
}
