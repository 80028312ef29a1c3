import Foundation

extension BinaryOperation.Operator {
    /// Of two numbers. Division and modulo by zero give NaN, as in Loki; comparisons give 1 or 0.
    package func apply(_ a: Double, _ b: Double) -> Double {
        switch self {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: b == 0 ? .nan : a / b
        case .modulo: b == 0 ? .nan : fmod(a, b)
        case .power: pow(a, b)
        case .equal: a == b ? 1 : 0
        case .notEqual: a != b ? 1 : 0
        case .less: a < b ? 1 : 0
        case .lessOrEqual: a <= b ? 1 : 0
        case .greater: a > b ? 1 : 0
        case .greaterOrEqual: a >= b ? 1 : 0
        case .or, .and, .unless: .nan
        }
    }

    package var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }

    package var isSetOperator: Bool { self == .or || self == .and || self == .unless }
}
