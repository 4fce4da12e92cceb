//! Conversations with the real actors in virtual time; the stories are in `tests/scripts/`.

#[test]
fn the_stories_unfold_as_told() {
    chancery_tests::world::run_folder(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts"));
}
