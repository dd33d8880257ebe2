//! Certificates for tests, by OpenSSL.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A key of a curve that every peer knows.
const NEW: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";

/// Who vouches for others, by files in a folder: `NAME.pem` and `NAME.key` of itself and of each that it vouches for.
pub struct Authority<'a> {
    folder: &'a Path,
    name: &'a str,
}

impl<'a> Authority<'a> {
    /// A new one.
    pub fn begin(folder: &'a Path, name: &'a str) -> Self {
        let authority = Self { folder, name };
        authority.openssl(&format!("req -x509 {NEW} -keyout {name}.key -out {name}.pem -days 2 -subj /CN={name}"));
        authority
    }

    /// One that was begun in this folder.
    pub fn of(folder: &'a Path, name: &'a str) -> Self {
        Self { folder, name }
    }

    /// Vouches for somebody new who is reached by these names, as `DNS:localhost,IP:127.0.0.1`.
    pub fn certify(&self, who: &str, names: &str) {
        let ca = self.name;
        fs::write(self.folder.join("names"), format!("subjectAltName={names}\n")).expect("a file");
        self.openssl(&format!("req {NEW} -keyout {who}.key -out {who}.csr -subj /CN={who}"));
        self.openssl(&format!(
            "x509 -req -in {who}.csr -CA {ca}.pem -CAkey {ca}.key -CAcreateserial -out {who}.pem -days 2 -extfile names"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(self.folder).output();
        let output = output.expect("openssl can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
