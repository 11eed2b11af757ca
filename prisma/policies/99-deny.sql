-- Closing: what nobody has, unless it was said above.
-- Functions are executable by everybody unless revoked, now and for whatever the migrator or the kernel makes later.

revoke create on schema bailiwick from bailiwick_kernel;
revoke all on schema bailiwick from public;
revoke all on all functions in schema bailiwick from public, bailiwick_runtime;
revoke all on all tables in schema bailiwick from public, bailiwick_runtime;
revoke all on all sequences in schema public, bailiwick from public, bailiwick_runtime;
alter default privileges revoke execute on functions from public;
alter default privileges for role bailiwick_kernel revoke execute on functions from public;

-- What the runtime role may call: to open and close a context, to ask about it, to end delegations, to record.
grant usage on schema bailiwick, public to bailiwick_runtime;
grant execute on function
  bailiwick.open(text, text),
  bailiwick.close(uuid),
  bailiwick.tenant_id(),
  bailiwick.actor_id(),
  bailiwick.request_id(),
  bailiwick.delegation_id(),
  bailiwick.delegation_chain(),
  bailiwick.world_limit(),
  bailiwick.current_tenant_id(),
  bailiwick.current_entity_id(),
  bailiwick.owner(text, text),
  bailiwick.direct_owner(text, text),
  bailiwick.worlds(text, text),
  bailiwick.shared_worlds(text, text),
  bailiwick.party(text, text),
  bailiwick.administered_tenant(),
  bailiwick.describe(),
  bailiwick.grant_refusal(uuid, uuid, uuid, uuid, int, int, text[], uuid, timestamptz, timestamptz),
  bailiwick.revoke_delegation(uuid),
  bailiwick.narrow_delegation(uuid, timestamptz),
  bailiwick.revoke_agent(uuid),
  bailiwick.serves(text),
  bailiwick.key_refusal(uuid, text[], uuid, timestamptz),
  bailiwick.issue_key(uuid, uuid, text, text, text, text[], uuid, timestamptz, jsonb),
  bailiwick.rotate_key(uuid, uuid, text, text, timestamptz, interval),
  bailiwick.revoke_key(uuid),
  bailiwick.end_credentials(uuid),
  bailiwick.keys_used(jsonb),
  bailiwick.start_session(uuid, text, text[], timestamptz),
  bailiwick.end_session(uuid, uuid),
  bailiwick.credential_of(text, uuid),
  bailiwick.keep_refresh(text, jsonb, timestamptz),
  bailiwick.find_refresh(text),
  bailiwick.use_refresh(text),
  bailiwick.spend(text, timestamptz),
  bailiwick.signing_keys(),
  bailiwick.add_signing_key(text, text, jsonb, bytea, timestamptz, text),
  bailiwick.key_holder(),
  bailiwick.key_tenant(),
  bailiwick.add_tenant_key(uuid, text, text, boolean),
  bailiwick.add_data_key(uuid, uuid, uuid, text, boolean),
  bailiwick.seals(text, uuid),
  bailiwick.revealed(),
  bailiwick.use_service(uuid, text, uuid, uuid, text),
  bailiwick.acting(),
  bailiwick.authorize(text, text),
  bailiwick.note_verdict(uuid, text, text, uuid),
  bailiwick.preview(uuid, uuid, text, text, jsonb),
  bailiwick.asked(text, text),
  bailiwick.decide_approval(uuid, text, text, text),
  bailiwick.redeem_approval(uuid, text, text, text),
  bailiwick.id_at(timestamptz),
  bailiwick.redeemed(uuid, text, text),
  bailiwick.finish_call(uuid, uuid, text, int, jsonb),
  bailiwick.expire_activity(int),
  bailiwick.deviation(jsonb, jsonb),
  bailiwick.watch(uuid[]),
  bailiwick.leave_receipts(jsonb),
  bailiwick.audit(uuid, text, text, uuid, jsonb),
  bailiwick.unseen(text, text, bigint, text[], int),
  bailiwick.still(text[], text[]),
  bailiwick.forget_events(),
  bailiwick.why(text, text),
  bailiwick.explain(text, uuid, text),
  bailiwick.effective(uuid, boolean, int)
to bailiwick_runtime;
