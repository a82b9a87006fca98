// generals-health asks whether a service is well; images use it for health checks and for waiting.
//
//	generals-health HOST:PORT             grpc.health.v1.Health/Check says SERVING
//	generals-health http://HOST:PORT/PATH answers 2xx
//	generals-health tcp://HOST:PORT       accepts a connection
//
// It exits with 0 if so, else with 1 and the reason on stderr; with 2 when it was called wrongly.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// Less than the time that health checks in Dockerfiles and Compose files are given.
const timeout = 3 * time.Second

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generals-health HOST:PORT | http://HOST:PORT/PATH | tcp://HOST:PORT")
		os.Exit(2)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := check(ctx, os.Args[1]); err != nil {
		log.Fatalf("%s: %v", os.Args[1], err)
	}
}

func check(ctx context.Context, address string) error {
	if strings.HasPrefix(address, "http://") {
		return checkHTTP(ctx, address)
	}
	if target, ok := strings.CutPrefix(address, "tcp://"); ok {
		return checkTCP(ctx, target)
	}
	return checkGRPC(ctx, address)
}

func checkTCP(ctx context.Context, target string) error {
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", target)
	if err != nil {
		return err
	}
	return connection.Close()
}

func checkHTTP(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// A proxy of the environment is for the way out, not for the service next door.
	client := http.Client{Transport: &http.Transport{Proxy: nil}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}

func checkGRPC(ctx context.Context, target string) error {
	connection, err := grpc.NewClient(
		"passthrough:///"+target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithNoProxy(),
	)
	if err != nil {
		return err
	}
	defer connection.Close()
	response, err := healthpb.NewHealthClient(connection).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		return errors.New(status.Convert(err).Message())
	}
	if response.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		return fmt.Errorf("says %s", response.GetStatus())
	}
	return nil
}
