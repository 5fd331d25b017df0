namespace ChannelDistillation.Lab.Tables

open MathNet.Numerics.Distributions

/// The difference between two rows. p-values and interval need at least three seeds on each side.
type Difference =
    {
        /// Own value minus the other's, for the seeds that both have; in percentage points.
        Values: Statistic
        /// Of a two-sided paired t-test. None if all pairs have the same difference.
        PValue: float option
        /// 95 % confidence interval of the mean difference (Student's t over the pairs).
        Interval: (float * float) option
        /// Of a two-sided Welch's t-test, which does not pair the seeds.
        WelchPValue: float option
    }

module Difference =
    /// With fewer seeds a test has almost no power.
    let fewestSeeds = 3

    /// Tolerance for equal differences, which are not exactly equal in binary. Real differences are at least one image in a million.
    let private rounding = 1e-9

    let private twoSided (degrees: float) (t: float) = 2.0 * StudentT.CDF(0.0, 1.0, degrees, -(abs t))

    let private standardError (statistic: Statistic) = statistic.Std |> Option.map (fun std -> std / sqrt (float statistic.Values.Length))

    /// Mean, its standard error and degrees of freedom. None for too few values, or if all are equal.
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

    /// The difference between two rows by seed. None: no common seed.
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

    /// p-values with Holm's correction (Holm 1979): the i-th smallest of m is multiplied by m - i + 1, and is not below the previous ones.
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

    /// Whether two means differ by more than the standard error of their difference, with n >= 2 on both sides.
    let isClear (best: Statistic) (next: Statistic) =
        match best.Mean, next.Mean, standardError best, standardError next with
        | Some mean, Some otherMean, Some error, Some otherError -> abs (mean - otherMean) > sqrt (error ** 2.0 + otherError ** 2.0)
        | _ -> false
