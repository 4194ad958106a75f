#!/usr/bin/env bash
# Puts Temporal's test server, which skips the time in which nothing happens, into FOLDER: the SDK's own download of it
# is not to be had everywhere, and Maven's packages are. Needs Java and Maven; does nothing where it is there already.
set -Eeuo pipefail

VERSION=1.32.1

folder=${1:?usage: fetch-time-skipping-server.sh FOLDER}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
server=$folder/temporal-test-server-$VERSION
[ ! -x "$server" ] || exit 0

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
cat > "$build/pom.xml" << XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>flowforge</groupId>
  <artifactId>time-skipping-server</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>$VERSION</version>
    </dependency>
  </dependencies>
</project>
XML
rm -rf "$folder"/jars "$folder"/temporal-test-server-*
mvn -q -B -f "$build/pom.xml" dependency:copy-dependencies -DoutputDirectory="$folder/jars"
# It lives for less than a minute: a quick start is worth more than fast code.
cat > "$build/server" << SH
#!/bin/sh
exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto \\
    -cp '$folder/jars/*' io.temporal.testserver.TestServer "\$@"
SH
chmod +x "$build/server"
mv "$build/server" "$server"
