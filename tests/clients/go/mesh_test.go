package clients

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"
)

func TestConfigEntriesAreWrittenReadComparedAndDeleted(t *testing.T) {
	_, client := start(t, nil)
	entries := client.ConfigEntries()
	write := func(entry api.ConfigEntry) {
		t.Helper()
		written, _, err := entries.Set(entry, nil)
		must(t, err)
		if !written {
			t.Errorf("%s/%s was not written", entry.GetKind(), entry.GetName())
		}
	}
	write(&api.ServiceConfigEntry{Kind: api.ServiceDefaults, Name: "web", Protocol: "http", Meta: map[string]string{"a": "b"}})
	write(&api.ProxyConfigEntry{Kind: api.ProxyDefaults, Name: api.ProxyConfigGlobal, Config: map[string]any{"protocol": "http"}})
	read, _, err := entries.Get(api.ServiceDefaults, "web", nil)
	must(t, err)
	web, ok := read.(*api.ServiceConfigEntry)
	if !ok || web.Protocol != "http" || web.Meta["a"] != "b" || web.ModifyIndex == 0 {
		t.Errorf("web is read as it was written, found %+v", read)
	}
	web.Protocol = "http2"
	written, _, err := entries.CAS(web, web.ModifyIndex, nil)
	must(t, err)
	if !written {
		t.Error("it is still as it was read")
	}
	written, _, err = entries.CAS(web, web.ModifyIndex, nil)
	must(t, err)
	if written {
		t.Error("it was changed since")
	}
	list, _, err := entries.List(api.ServiceDefaults, nil)
	must(t, err)
	if len(list) != 1 {
		t.Errorf("there is one, found %+v", list)
	}
	_, err = entries.Delete(api.ServiceDefaults, "web", nil)
	must(t, err)
	if _, _, err = entries.Get(api.ServiceDefaults, "web", nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("it is gone, told %v", err)
	}
	if _, _, err = entries.Set(&api.ServiceConfigEntry{Kind: api.ServiceDefaults, Name: "web", Protocol: "smtp"}, nil); err == nil {
		t.Error("there is no such protocol")
	}
}

func TestIntentionsSayWhoMayCallWhom(t *testing.T) {
	_, client := start(t, nil)
	connect := client.Connect()
	_, err := connect.IntentionUpsert(&api.Intention{
		SourceName: "shop", DestinationName: "web", Action: api.IntentionActionDeny, SourceType: api.IntentionSourceConsul,
		Description: "not yet",
	}, nil)
	must(t, err)
	allowed := func(source string) bool {
		allowed, _, err := connect.IntentionCheck(&api.IntentionCheck{Source: source, Destination: "web"}, nil)
		must(t, err)
		return allowed
	}
	if allowed("shop") || !allowed("other") {
		t.Error("shop alone is denied")
	}
	found, _, err := connect.IntentionGetExact("shop", "web", nil)
	must(t, err)
	if found == nil || found.Action != api.IntentionActionDeny || found.Description != "not yet" || found.Precedence != 9 {
		t.Errorf("it is read as it was written, found %+v", found)
	}
	all, _, err := connect.Intentions(nil)
	must(t, err)
	if len(all) != 1 {
		t.Errorf("there is one, found %+v", all)
	}
	matched, _, err := connect.IntentionMatch(&api.IntentionMatch{By: api.IntentionMatchDestination, Names: []string{"web"}}, nil)
	skipUnserved(t, err)
	must(t, err)
	if len(matched["web"]) != 1 {
		t.Errorf("it is matched by its destination, found %+v", matched)
	}
	_, err = connect.IntentionDeleteExact("shop", "web", nil)
	must(t, err)
	if !allowed("shop") {
		t.Error("nothing is said of shop any more")
	}
}

func TestAnIntentionHasAnId(t *testing.T) {
	_, client := start(t, nil)
	connect := client.Connect()
	id, _, err := connect.IntentionCreate(&api.Intention{
		SourceName: "shop", DestinationName: "web", Action: api.IntentionActionDeny, SourceType: api.IntentionSourceConsul,
	}, nil)
	must(t, err)
	found, _, err := connect.IntentionGet(id, nil)
	must(t, err)
	if found == nil || found.ID != id || found.SourceName != "shop" || found.Action != api.IntentionActionDeny {
		t.Errorf("it is found by its id, found %+v", found)
	}
	found.Action = api.IntentionActionAllow
	_, err = connect.IntentionUpdate(found, nil)
	must(t, err)
	allowed, _, err := connect.IntentionCheck(&api.IntentionCheck{Source: "shop", Destination: "web"}, nil)
	must(t, err)
	if !allowed {
		t.Error("it allows now")
	}
	_, err = connect.IntentionDelete(id, nil)
	must(t, err)
	if gone, _, err := connect.IntentionGet(id, nil); err != nil || gone != nil {
		t.Errorf("it is gone, found %+v, %v", gone, err)
	}
}

func TestALeafIsSignedByTheRoots(t *testing.T) {
	_, client := start(t, nil)
	must(t, client.Agent().ServiceRegister(&api.AgentServiceRegistration{
		Name: "web", Port: 8080, Connect: &api.AgentServiceConnect{Native: true},
	}))
	roots, _, err := client.Agent().ConnectCARoots(nil)
	must(t, err)
	leaf, meta, err := client.Agent().ConnectCALeaf("web", nil)
	must(t, err)
	pair, err := tls.X509KeyPair([]byte(leaf.CertPEM), []byte(leaf.PrivateKeyPEM))
	must(t, err)
	certificate, err := x509.ParseCertificate(pair.Certificate[0])
	must(t, err)
	pool := x509.NewCertPool()
	for _, root := range roots.Roots {
		pool.AppendCertsFromPEM([]byte(root.RootCertPEM))
	}
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, usage := range usages {
		_, err = certificate.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{usage}})
		must(t, err)
	}
	if certificate.URIs[0].String() != leaf.ServiceURI || !strings.HasSuffix(leaf.ServiceURI, "/svc/web") || meta.LastIndex == 0 {
		t.Errorf("it names the service, found %s in %v", leaf.ServiceURI, certificate.URIs)
	}
	authorized, err := client.Agent().ConnectAuthorize(&api.AgentAuthorizeParams{
		Target: "web", ClientCertURI: strings.Replace(leaf.ServiceURI, "/svc/web", "/svc/shop", 1),
		ClientCertSerial: leaf.SerialNumber,
	})
	skipUnserved(t, err)
	must(t, err)
	if !authorized.Authorized {
		t.Errorf("nobody is denied, told %+v", authorized)
	}
}
