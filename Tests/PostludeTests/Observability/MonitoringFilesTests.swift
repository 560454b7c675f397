import Foundation
import PostludeScoreboard
import Testing

@testable import Postlude

/// Compares the files for Prometheus and Grafana with the metrics.
@Suite("The files for Prometheus and Grafana")
struct MonitoringFilesTests {
    /// The labels of the samples by their names.
    private func samples() throws -> [String: Set<String>] {
        var rows: [(name: String, labels: [String])] = []
        for cells in try Repository.table("metric | type", in: Repository.article("Observability")) {
            let name = try #require(Repository.names(in: cells[0]).first)
            let labels = Repository.names(in: cells[2])
            let plain = labels.filter { $0 != "le" }
            switch String(cells[1].prefix { $0 != "," }) {
            case "counter": rows.append((name + "_total", labels))
            case "gauge": rows.append((name, labels))
            case "info": rows.append((name + "_info", labels))
            case "histogram":
                rows += [(name + "_bucket", labels), (name + "_count", plain), (name + "_sum", plain)]
            case "summary":
                rows += [(name, labels), (name + "_count", plain), (name + "_sum", plain)]
            case let type: Issue.record("\(name) is a \(type)")
            }
        }
        return Dictionary(rows.map { ($0.name, Set($0.labels)) }) { first, _ in first }
    }

    @Test(
        "Each metric and each label in them exists",
        arguments: ["nginx/prometheus-alerts.yaml", "nginx/grafana-dashboard.json"])
    func names(file: String) throws {
        let samples = try samples()
        // A text of JSON has its quotes escaped.
        let text = try Repository.text(file).replacing("\\\"", with: "\"")
        var used: Set<String> = []
        for match in text.matches(of: #/\b(postlude_\w+)(?:\{([^}]*)\})?/#) {
            let name = String(match.1)
            let labels = try #require(samples[name], "\(file): there is no \(name)")
            used.insert(name)
            for label in (match.2 ?? "").matches(of: #/(\w+)\s*(?:=~|!~|!=|=)/#).map({ String($0.1) })
            where label != "instance" {
                #expect(labels.contains(label), "\(file): \(name) has no label \(label)")
            }
        }
        #expect(used.count >= 10)
        let all = samples.values.reduce(into: Set(["instance", "value"])) { $0.formUnion($1) }
        let groups = text.matches(of: #/\b(?:by|without) \(([^)]*)\)/#).flatMap { $0.1.split(separator: ",") }
        let legends = text.matches(of: #/\{\{ ?(?:\$labels\.)?(\w+) ?\}\}/#).map { $0.1 }
        for label in groups + legends {
            let label = label.trimmingCharacters(in: .whitespaces)
            #expect(all.contains(label), "\(file): no metric has the label \(label)")
        }
    }

    @Test("Each kind of problem has an alert")
    func problems() throws {
        let text = try Repository.text("nginx/prometheus-alerts.yaml")
        let kinds = text.matches(of: #/kind=~"([^"]*)"/#).flatMap {
            $0.1.split(separator: "|").map(String.init)
        }
        // The share of errors has an alert of its own, over five minutes.
        let expected = StatusProblem.Kind.allCases.filter { $0 != .errors }.map(\.rawValue)
        #expect(kinds.sorted() == expected.sorted())
    }

    @Test("The dashboard is one that Grafana reads: panels with their own ids, places and queries")
    func dashboard() throws {
        let data = Data(try Repository.text("nginx/grafana-dashboard.json").utf8)
        let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let panels = try #require(object["panels"] as? [[String: Any]])
        #expect(Set(panels.compactMap { $0["id"] as? Int }).count == panels.count && panels.count > 10)
        #expect(Set(panels.compactMap { $0["title"] as? String }).count == panels.count)
        for panel in panels {
            let place = try #require(panel["gridPos"] as? [String: Int])
            #expect((place["x"] ?? 0) + (place["w"] ?? 99) <= 24)
            let targets = try #require(panel["targets"] as? [[String: Any]])
            #expect(!targets.isEmpty && targets.allSatisfy { ($0["expr"] as? String)?.isEmpty == false })
        }
    }
}
