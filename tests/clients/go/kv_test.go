package clients

import (
	"testing"

	"github.com/hashicorp/consul/api"
)

func TestKeysAreSetReadComparedListedAndDeleted(t *testing.T) {
	_, client := start(t, nil)
	kv := client.KV()
	key := heard(t, client, map[string]any{"type": "key", "key": "app/limit"})
	below := heard(t, client, map[string]any{"type": "keyprefix", "prefix": "app/"})
	_, err := kv.Put(&api.KVPair{Key: "app/limit", Value: []byte("5"), Flags: 42}, nil)
	must(t, err)
	eventually(t, key, "the key is there", func(news any) bool { return value(news) == "5" })

	pair, meta, err := kv.Get("app/limit", nil)
	must(t, err)
	if pair == nil || string(pair.Value) != "5" || pair.Flags != 42 || pair.ModifyIndex == 0 || meta.LastIndex == 0 {
		t.Errorf("it is read as it was written, found %+v %+v", pair, meta)
	}
	pair.Value = []byte("6")
	written, _, err := kv.CAS(pair, nil)
	must(t, err)
	again, _, err := kv.CAS(pair, nil)
	must(t, err)
	if !written || again {
		t.Error("it is written when it is as it was read, and then no more")
	}
	eventually(t, key, "the key has changed", func(news any) bool { return value(news) == "6" })

	_, err = kv.Put(&api.KVPair{Key: "app/names/a", Value: []byte("x")}, nil)
	must(t, err)
	keys, _, err := kv.Keys("app/", "/", nil)
	must(t, err)
	if len(keys) != 2 || keys[0] != "app/limit" || keys[1] != "app/names/" {
		t.Errorf("names end at the separator, found %v", keys)
	}
	pairs, _, err := kv.List("app/", nil)
	must(t, err)
	if len(pairs) != 2 {
		t.Errorf("there are two, found %v", pairs)
	}
	eventually(t, below, "there are two keys", func(news any) bool { return len(news.(api.KVPairs)) == 2 })
	_, err = kv.DeleteTree("app/", nil)
	must(t, err)
	pair, _, err = kv.Get("app/limit", nil)
	must(t, err)
	if pair != nil {
		t.Errorf("it is gone, found %+v", pair)
	}
}

func TestATransactionIsDoneWholeOrNotAtAll(t *testing.T) {
	_, client := start(t, nil)
	set := func(key, value string) *api.TxnOp {
		return &api.TxnOp{KV: &api.KVTxnOp{Verb: api.KVSet, Key: key, Value: []byte(value)}}
	}
	done, answer, _, err := client.Txn().Txn(api.TxnOps{set("a", "1"), set("b", "2")}, nil)
	must(t, err)
	if !done || len(answer.Results) != 2 || answer.Results[0].KV.Key != "a" {
		t.Errorf("both are set, told %v %+v", done, answer)
	}
	exists := &api.TxnOp{KV: &api.KVTxnOp{Verb: api.KVCheckNotExists, Key: "b"}}
	done, answer, _, err = client.Txn().Txn(api.TxnOps{set("a", "3"), exists}, nil)
	must(t, err)
	if done || len(answer.Errors) != 1 || answer.Errors[0].OpIndex != 1 {
		t.Errorf("b is there, so nothing is done, told %v %+v", done, answer)
	}
	pair, _, err := client.KV().Get("a", nil)
	must(t, err)
	if string(pair.Value) != "1" {
		t.Errorf("a is as it was, found %s", pair.Value)
	}
	node := &api.TxnOp{Node: &api.NodeTxnOp{Verb: api.NodeSet, Node: api.Node{Node: "legacy", Address: "10.0.0.7"}}}
	service := &api.TxnOp{Service: &api.ServiceTxnOp{
		Verb: api.ServiceSet, Node: "legacy", Service: api.AgentService{ID: "mail-1", Service: "mail", Port: 25},
	}}
	done, answer, _, err = client.Txn().Txn(api.TxnOps{node, service}, nil)
	must(t, err)
	mail, _, err := client.Catalog().Service("mail", "", nil)
	must(t, err)
	if !done || len(mail) != 1 || mail[0].Address != "10.0.0.7" {
		t.Errorf("mail runs on its node, told %+v, found %+v", answer, mail)
	}
}

// value of a key that a watch tells of; it tells of no key as nothing.
func value(news any) string {
	if pair, ok := news.(*api.KVPair); ok && pair != nil {
		return string(pair.Value)
	}
	return ""
}
