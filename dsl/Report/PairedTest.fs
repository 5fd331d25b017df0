namespace ChannelDistillation.Dsl.Report

open MathNet.Numerics.Distributions

/// How a row differs from another over the seeds that both have.
type Difference =
    {
        /// Own value less the other's, seed by seed; in percentage points.
        Values: Statistic
        /// Two-sided, of the paired t-test; none of fewer than three pairs, or where all of them differ by the same.
        PValue: float option
    }

module PairedTest =
    /// With fewer pairs the test says next to nothing.
    let fewestPairs = 3

    /// Equal differences of decimal numbers are not quite equal in binary; true ones are apart by at least an image in a million.
    let private rounding = 1e-9

    /// Student's paired t-test: t = mean / (std / sqrt n), with n - 1 degrees of freedom.
    let private pValue (differences: Statistic) =
        match differences.Mean, differences.Std with
        | Some mean, Some std when differences.Values.Length >= fewestPairs && std > rounding ->
            let n = float differences.Values.Length
            let t = mean / (std / sqrt n)
            Some(2.0 * StudentT.CDF(0.0, 1.0, n - 1.0, -(abs t)))
        | _ -> None

    /// None: they have no seed in common.
    let compare (own: (int64 * float) list) (other: (int64 * float) list) : Difference option =
        let others = Map.ofList other

        match
            [ for seed, value in own do
                  match Map.tryFind seed others with
                  | Some its -> value - its
                  | None -> () ]
        with
        | [] -> None
        | differences ->
            let values: Statistic = { Values = differences }
            Some { Values = values; PValue = pValue values }
