namespace ChannelDistillation.Lab.Tables

open MathNet.Numerics.Distributions

/// How a row differs from another one. Without at least three seeds on each side there are neither p-values nor an interval.
type Difference =
    {
        /// Own value less the other's, over the seeds that both have; in percentage points.
        Values: Statistic
        /// Two-sided, of the paired t-test; none where all pairs differ by the same.
        PValue: float option
        /// Of the mean difference, at 95 %, by Student's t over the pairs.
        Interval: (float * float) option
        /// Two-sided, of Welch's t-test, which does not pair the seeds.
        WelchPValue: float option
    }

module Difference =
    /// With fewer seeds a test says next to nothing.
    let fewestSeeds = 3

    /// Equal differences of decimal numbers are not quite equal in binary; true ones are apart by at least an image in a million.
    let private rounding = 1e-9

    let private twoSided (degrees: float) (t: float) = 2.0 * StudentT.CDF(0.0, 1.0, degrees, -(abs t))

    let private standardError (statistic: Statistic) = statistic.Std |> Option.map (fun std -> std / sqrt (float statistic.Values.Length))

    /// Mean, its standard error and degrees of freedom; none of too few values, or of equal ones.
    let private testable (statistic: Statistic) =
        match statistic.Mean, standardError statistic with
        | Some mean, Some error when statistic.Values.Length >= fewestSeeds && error > rounding ->
            Some(mean, error, float statistic.Values.Length - 1.0)
        | _ -> None

    /// t = (mean - mean') / sqrt (error^2 + error'^2), with the degrees of freedom of Welch and Satterthwaite.
    let private welch (own: Statistic) (other: Statistic) =
        match testable own, testable other with
        | Some(mean, error, degrees), Some(otherMean, otherError, otherDegrees) ->
            let own, other = error ** 2.0, otherError ** 2.0
            let degrees = (own + other) ** 2.0 / (own ** 2.0 / degrees + other ** 2.0 / otherDegrees)
            Some(twoSided degrees ((mean - otherMean) / sqrt (own + other)))
        | _ -> None

    /// Of two rows, by seed. None: they have no seed in common.
    let between (own: (int64 * float) list) (other: (int64 * float) list) : Difference option =
        let others = Map.ofList other

        match own |> List.choose (fun (seed, value) -> Map.tryFind seed others |> Option.map (fun its -> value - its)) with
        | [] -> None
        | differences ->
            let values: Statistic = { Values = differences }
            let paired = testable values

            Some
                { Values = values
                  PValue = paired |> Option.map (fun (mean, error, degrees) -> twoSided degrees (mean / error))
                  Interval =
                    paired
                    |> Option.map (fun (mean, error, degrees) ->
                        let half = error * StudentT.InvCDF(0.0, 1.0, degrees, 0.975)
                        mean - half, mean + half)
                  WelchPValue = welch { Values = List.map snd own } { Values = List.map snd other } }

    /// p-values corrected for their number (Holm 1979): the i-th smallest of m times m - i + 1, and not below the ones before it.
    let holm (pValues: float option list) : float option list =
        let sorted =
            pValues |> List.indexed |> List.choose (fun (index, p) -> p |> Option.map (fun p -> index, p)) |> List.sortBy snd

        let corrected =
            sorted
            |> List.mapi (fun rank (index, p) -> index, min 1.0 (p * float (sorted.Length - rank)))
            |> List.scan (fun (_, before) (index, p) -> index, max before p) (-1, 0.0)
            |> List.tail
            |> Map.ofList

        pValues |> List.mapi (fun index _ -> Map.tryFind index corrected)

    /// Whether a row is better than the next by more than the standard error of their difference, n >= 2 on both sides.
    let isClear (best: Statistic) (next: Statistic) =
        match best.Mean, next.Mean, standardError best, standardError next with
        | Some mean, Some otherMean, Some error, Some otherError -> abs (mean - otherMean) > sqrt (error ** 2.0 + otherError ** 2.0)
        | _ -> false
