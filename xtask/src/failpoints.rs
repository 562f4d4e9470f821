//! Failpoints are in the binary that tests run, and in no other.

/// What the tests' binary is built with, and nothing that is shipped.
pub(crate) const FEATURE: &str = "canary-service/failpoints";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo;

    /// Whether the program depends on the crate that lets it die, when it is built with these arguments.
    fn can_die(features: &[&str]) -> bool {
        let mut tree = cargo::command(&["tree", "--locked", "--package", "canary-service"]);
        let output = tree.args(["--edges", "normal", "--prefix", "none"]).args(features).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().any(|line| line.starts_with("fail v"))
    }

    #[test]
    fn nothing_but_the_tests_binary_can_die_on_order() {
        assert!(!can_die(&[]), "an ordinary build has failpoints");
        assert!(can_die(&["--features", FEATURE]), "the feature brings none");
    }
}
